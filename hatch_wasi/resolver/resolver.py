"""Ask pip which releases are to be installed, with tags, markers and what is installed read as WASI Python's."""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name, parse_wheel_filename

from hatch_wasi import process
from hatch_wasi.errors import ProcessFailed, UsageError, WheelError
from hatch_wasi.resolver import pip_for_wasi
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wheels.tags import PLATFORMS

__all__ = ["Chosen", "Resolver", "Unavailable"]

NO_MATCH = re.compile(r"^ERROR: No matching distribution found for (?P<requirement>.+?)(?: \(from .*)?$", re.MULTILINE)
UNREACHABLE = re.compile(r"^WARNING: Retrying \(Retry\(total=0,.* broken by '(?P<why>.+)': \S+$", re.MULTILINE)
"""pip's last warning before it goes on as if the index were empty."""
ERROR = re.compile(r"^ERROR: (.+)$", re.MULTILINE)
# Of a person's configuration of pip, what would have it install elsewhere than is asked for.
PLACES = ("PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET", "PIP_USER")


class Unavailable(WheelError):
    """There is no wheel for WASI of a requirement; `requirement` is it, as pip writes it.

    `url` is where its sources are, if it is named by its place.
    """

    def __init__(self, requirement: str, log: Path, url: str | None = None) -> None:
        """Say which."""
        message = f"there is no wheel of {requirement} for WASI Python"
        super().__init__(message, hint="--build builds it from its sources, if there are any", log=log)
        self.requirement = requirement
        self.url = url


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A wheel to install."""

    path: Path
    requested: bool
    """Somebody asked for it; it is not only needed by another (PEP 376)."""
    direct: dict[str, object] | None
    """Where it is from, if it was named by its place and not looked up in an index: `direct_url.json` (PEP 610)."""
    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """Resolves for one WASI Python and one folder."""

    python: WasiPython
    site: Path
    log: Path
    """What pip says."""
    options: Sequence[str] = ()
    """pip's own, for `pip install`: which requirements there are, and which of their releases may be taken."""
    sources: Sequence[str] = ()
    """pip's own, for `pip install` and `pip download`: where releases are."""
    wheels: list[Path] = field(default_factory=list)
    """Folders with wheels that were made for this."""
    built: dict[str, Path] = field(default_factory=dict)
    """Wheels that were made of sources named by their place: `Unavailable.url` -> wheel."""

    def resolve(self, words: Sequence[str], folder: Path) -> list[Chosen]:
        """Give what has to be installed for the requirements `words` that is not in the site-packages yet.

        Wheels that are not files already are downloaded to the empty `folder`. Raises `Unavailable`, or
        `WheelError` for whatever else pip does not like.
        """
        if find_spec("pip") is None:
            message = "pip, which looks requirements up, is not installed"
            raise UsageError(message, hint="pip install 'hatch-wasi[wheel]'")
        report = folder / "report.json"
        common = [*self._common(), "--only-binary=:all:", *self._target()]
        install = ["install", "--dry-run", "--report", str(report), *common, *self.options, *words]
        download = ["download", "--no-deps", "--dest", str(folder), *common]
        unbuilt = folder / "unbuilt.json"
        settings = {
            "markers": self.python.target().markers(),
            "site": str(self.site),
            "built": {url: str(wheel) for url, wheel in self.built.items()},
            "scratch": str(folder),
            "unbuilt": str(unbuilt),
            "report": str(report),
            "fetch": download,
        }
        argv = [sys.executable, "-P", pip_for_wasi.__file__, json.dumps(settings), *install]
        environment = {name: value for name, value in process.base_environment().items() if name not in PLACES}
        try:
            process.run(argv, what="pip", env=environment, log=self.log)
        except ProcessFailed as error:
            raise self._failure(error, unbuilt) from error
        content = json.loads(report.read_text(encoding="utf-8"))
        return [self._chosen(item, folder) for item in content["install"]]

    def _common(self) -> list[str]:
        links = [word for wheels in self.wheels for word in ("--find-links", str(wheels))]
        return ["--disable-pip-version-check", "--no-input", "--no-color", "--progress-bar=off", *links, *self.sources]

    def _target(self) -> list[str]:
        """Tell pip which wheels fit, as `wheels.tags` knows it (PEP 425)."""
        version = self.python.version
        abi = "cp" + self.python.short_version.replace(".", "")
        platforms = [f"--platform={platform}" for platform in PLATFORMS]
        return [*platforms, "--implementation=cp", f"--python-version={version}", f"--abi={abi}"]

    def _failure(self, error: ProcessFailed, unbuilt: Path) -> WheelError:
        if unbuilt.exists():
            return Unavailable(**json.loads(unbuilt.read_text(encoding="utf-8")), log=self.log)
        if found := NO_MATCH.search(error.output):
            if why := UNREACHABLE.search(error.output):
                message = f"an index cannot be reached, and no other place has {found['requirement']}: {why['why']}"
                return WheelError(
                    message, hint="try again, or name another by --index-url or --find-links", log=self.log
                )
            return Unavailable(found["requirement"], self.log)
        told = ERROR.findall(error.output)
        return WheelError(told[-1] if told else error.message, log=self.log)

    def _chosen(self, item: dict[str, object], folder: Path) -> Chosen:
        """Read one item of pip's report (pip's "Installation Report", version 1)."""
        info, metadata = item["download_info"], item["metadata"]
        assert isinstance(info, dict)
        assert isinstance(metadata, dict)
        parts = urlsplit(info["url"])
        path = Path(unquote(parts.path))
        if item["is_direct"] and path.suffix != ".whl":
            project = canonicalize_name(str(metadata["name"]))
            path = next(wheel for wheel in self.built.values() if parse_wheel_filename(wheel.name)[0] == project)
        elif parts.scheme != "file":
            path = folder / path.name
        return Chosen(
            path=path,
            requested=bool(item["requested"]),
            direct=info if item["is_direct"] else None,
            name=metadata["name"],
            version=metadata["version"],
        )
