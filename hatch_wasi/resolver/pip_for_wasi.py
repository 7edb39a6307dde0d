"""Run pip as if it were WASI Python's: a program of its own, which knows nothing of this package.

Usage: python -P pip_for_wasi.py SETTINGS ARGUMENTS…, where SETTINGS is a JSON object:

- `markers`: the environment that markers are evaluated in (PEP 508; pip has options for tags and Requires-Python only);
- `site`: the folder whose distributions count as installed;
- `built`: for sources by URL, the wheel that was built of them; `scratch`: a folder for what is in those wheels;
- `unbuilt`: the file that is written if there are others: a JSON object with their `requirement` and `url`;
- `report`: the file that an `install --report` among the arguments writes, and `fetch` the words of the command that
  downloads what the report names, in the same process, to which its URLs are added.
"""

import json
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile


def _metadata_from(settings: dict[str, Any]) -> Callable[..., None]:
    """Give what stands in for pip's way to the metadata of sources: a build, which here would be for this machine."""

    def prepare(self: Any, *_: object, **__: object) -> None:
        from pip._internal.exceptions import InstallationError

        requirement, link = self.req, self.req.link
        shown = str(requirement.req or link.redacted_url)
        if requirement.editable:
            message = f"{shown} cannot be installed editable for WASI Python"
            raise InstallationError(message)
        wheel = settings["built"].get(link.url)
        if wheel is None:
            Path(settings["unbuilt"]).write_text(json.dumps({"requirement": shown, "url": link.url}), encoding="utf-8")
            message = f"{shown} is no wheel, and has to be built for WASI"
            raise InstallationError(message)
        requirement.metadata_directory = _metadata(Path(wheel), tempfile.mkdtemp(dir=settings["scratch"]))
        if not requirement.name:
            requirement._set_requirement()  # noqa: SLF001 - as pip does after a build

    return prepare


def _metadata(wheel: Path, folder: str) -> str:
    """Unpack a wheel's dist-info into `folder`."""
    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.partition("/")[0].endswith(".dist-info")]
        archive.extractall(folder, names)
    return str(Path(folder, names[0].partition("/")[0]))


def main(settings: dict[str, Any], arguments: list[str]) -> int:
    """Run pip."""
    from pip._internal.cli.main import main as pip
    from pip._internal.distributions.sdist import SourceDistribution
    from pip._vendor.packaging import markers

    environment: Any = settings["markers"]
    markers.default_environment = environment.copy
    SourceDistribution.prepare_distribution_metadata = _metadata_from(settings)  # type: ignore[method-assign]
    # What is installed is what sys.path leads to. pip finds its own parts by its packages' paths.
    library = sysconfig.get_path("stdlib")
    sys.path[:] = [path for path in sys.path if path.startswith(library) and not path.endswith("-packages")]
    sys.path.append(settings["site"])
    status = pip(arguments)
    if status:
        return int(status)
    report = json.loads(Path(settings["report"]).read_text(encoding="utf-8"))
    found = [item["download_info"] for item in report["install"]]
    urls = [_with_hash(info) for info in found if _is_remote_wheel(info["url"])]
    return int(pip([*settings["fetch"], *urls])) if urls else 0


def _is_remote_wheel(url: str) -> bool:
    """Tell what is still to be fetched from files, and from sources, of which there are wheels that were built."""
    return not url.startswith("file:") and url.partition("?")[0].endswith(".whl")


def _with_hash(info: dict[str, Any]) -> str:
    """Give the URL of a wheel with the hash that the index has for it, for pip to verify (PEP 503)."""
    hashes = info.get("archive_info", {}).get("hashes", {})
    name = next((name for name in ("sha512", "sha384", "sha256") if name in hashes), None)
    return f"{info['url']}#{name}={hashes[name]}" if name else str(info["url"])


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
