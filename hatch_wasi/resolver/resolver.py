"""Ask pip which releases are to be installed, with tags, markers and what is installed read as WASI Python's."""

import importlib.metadata
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from hatch_wasi import process
from hatch_wasi.archives import limits
from hatch_wasi.console import Console
from hatch_wasi.errors import ProcessFailed, UsageError
from hatch_wasi.fetch import pip_variables
from hatch_wasi.resolver import messages, pip_for_wasi
from hatch_wasi.resolver.messages import Unavailable
from hatch_wasi.wasi_python import WasiPython
from hatch_wasi.wheels import metadata
from hatch_wasi.wheels.tags import PLATFORMS
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["Chosen", "Resolver", "Unavailable"]

OLDEST_PIP = Version("25.1")
"""As in the extra `wheel` of pyproject.toml."""
# Of a person's configuration of pip, what would have it install elsewhere than is asked for.
PLACES = ("PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET", "PIP_USER")


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


def _check_pip() -> None:
    """Raise `UsageError` unless a pip is installed that can resolve for another platform."""
    hint = "pip install 'hatch-wasi[wheel]'"
    if find_spec("pip") is None:
        raise UsageError("pip, which looks requirements up, is not installed", hint=hint)
    found = importlib.metadata.version("pip")
    if Version(found) < OLDEST_PIP:
        raise UsageError(f"pip {found} is too old to look requirements up for WASI: {OLDEST_PIP} is needed", hint=hint)


def _metadata(path: Path, folder: Path) -> Path:
    """Write the METADATA of the wheel at `path` below `folder`, and return the .dist-info folder. Raises `WheelError`."""
    with Wheel.open(path) as wheel:
        made = Path(tempfile.mkdtemp(dir=folder)) / wheel.dist_info_dir
        made.mkdir()
        for name in wheel.dist_info_filenames:
            if name in limits.TEXTS:
                (made / name).write_bytes(wheel.archive.read(f"{wheel.dist_info_dir}/{name}"))
    return made


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """Resolves for one WASI Python and one folder."""

    python: WasiPython
    site: Path
    log: Path
    """What pip says."""
    console: Console
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
        _check_pip()
        report = folder / "report.json"
        common = [*self._common(), "--only-binary=:all:", *self._target()]
        install = ["install", "--dry-run", "--report", str(report), *common, *self.options, *words]
        download = ["download", "--no-deps", "--dest", str(folder), *common]
        unbuilt = folder / "unbuilt.json"
        settings = {
            "markers": self.python.target().markers(),
            "site": str(self.site),
            "limits": limits.TEXTS,
            "fields": metadata.HEADERS,
            "built": {url: str(_metadata(wheel, folder)) for url, wheel in self.built.items()},
            "unbuilt": str(unbuilt),
            "report": str(report),
            "fetch": download,
        }
        self._run([pip_for_wasi.__file__, json.dumps(settings), *install], unbuilt)
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

    def _run(self, words: Sequence[str], unbuilt: Path) -> None:
        """Run pip, and hand on what it warns of. Raises `WheelError`."""
        variables = process.base_environment(pip_variables())
        environment = {name: value for name, value in variables.items() if name not in PLACES}
        try:
            # In the caller's folder, as requirements may be named by relative paths.
            said = process.run_python(words, what="pip", cwd=None, env=environment, log=self.log, tail=100_000)
        except ProcessFailed as error:
            self._hand_on(error.output)
            if unbuilt.exists():
                raise Unavailable(**json.loads(unbuilt.read_text(encoding="utf-8")), log=self.log) from error
            raise messages.failure(error.output, error.message, self.log) from error
        self._hand_on(said)

    def _hand_on(self, said: str) -> None:
        self.console.detail(said.rstrip())
        for text in messages.warnings(said):
            self.console.warn(text)
        for text in messages.notes(said):
            self.console.note(text)

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
