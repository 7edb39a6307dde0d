"""Run pip as if it were WASI Python's: a program of its own, which knows nothing of this package.

Usage: python -P pip_for_wasi.py SETTINGS ARGUMENTS…, where SETTINGS is a JSON object: `markers` is the environment that
markers are evaluated in (PEP 508; pip has options for tags and Requires-Python only), `site` the folder whose
distributions count as installed, `report` the file that an `install --report` among the arguments writes, and
`fetch` the words of the command that downloads what the report names, in the same process, to which its URLs are added.
"""

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any, NoReturn


def _refuse(self: Any, *_: object, **__: object) -> NoReturn:
    """Stand in for pip's way to the metadata of sources: a build, which here would be for this machine."""
    from pip._internal.exceptions import InstallationError

    message = f"{self.req.req or self.req.link.url_without_fragment} is no wheel, and has to be built for WASI"
    raise InstallationError(message)


def main(settings: dict[str, Any], arguments: list[str]) -> int:
    """Run pip."""
    from pip._internal.cli.main import main as pip
    from pip._internal.distributions.sdist import SourceDistribution
    from pip._vendor.packaging import markers

    environment: Any = settings["markers"]
    markers.default_environment = environment.copy
    SourceDistribution.prepare_distribution_metadata = _refuse  # type: ignore[method-assign]
    # What is installed is what sys.path leads to. pip finds its own parts by its packages' paths.
    library = sysconfig.get_path("stdlib")
    sys.path[:] = [path for path in sys.path if path.startswith(library) and not path.endswith("-packages")]
    sys.path.append(settings["site"])
    status = pip(arguments)
    if status:
        return int(status)
    report = json.loads(Path(settings["report"]).read_text(encoding="utf-8"))
    found = [item["download_info"] for item in report["install"]]
    urls = [_with_hash(info) for info in found if not info["url"].startswith("file:")]
    return int(pip([*settings["fetch"], *urls])) if urls else 0


def _with_hash(info: dict[str, Any]) -> str:
    """Give the URL of a wheel with the hash that the index has for it, for pip to verify (PEP 503)."""
    hashes = info.get("archive_info", {}).get("hashes", {})
    name = next((name for name in ("sha512", "sha384", "sha256") if name in hashes), None)
    return f"{info['url']}#{name}={hashes[name]}" if name else str(info["url"])


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
