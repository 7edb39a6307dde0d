"""Run pip as if it were WASI Python's: a program of its own, which knows nothing of this package.

Usage: python -P pip_for_wasi.py SETTINGS ARGUMENTS…, where SETTINGS is a JSON object:

- `markers`: the environment that markers are evaluated in (PEP 508; pip has options for tags and Requires-Python only);
- `site`: the folder whose distributions count as installed;
- `limits`, `fields`: how many bytes files of metadata may have, and the fields of METADATA;
- `built`: for sources by URL, the .dist-info folder of the wheel that was built of them;
- `unbuilt`: the file that is written if there are others: a JSON object with their `requirement` and `url`;
- `report`: the file that an `install --report` among the arguments writes, and `fetch` the words of the command that
  downloads what the report names, in the same process, to which its URLs are added.
"""

# ruff: noqa: SLF001 - what pip does cannot be changed but from within

import json
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urljoin


def _metadata_from(settings: dict[str, Any]) -> Callable[..., None]:
    """Give what stands in for pip's way to the metadata of sources: a build, which here would be for this machine."""

    def prepare(self: Any, *_: object, **__: object) -> None:
        from pip._internal.exceptions import InstallationError

        requirement, link = self.req, self.req.link
        shown = str(requirement.req or link.redacted_url)
        metadata = settings["built"].get(link.url)
        if metadata is None:
            Path(settings["unbuilt"]).write_text(json.dumps({"requirement": shown, "url": link.url}), encoding="utf-8")
            message = f"{shown} is no wheel, and has to be built for WASI"
            raise InstallationError(message)
        requirement.metadata_directory = metadata
        if not requirement.name:
            requirement._set_requirement()

    return prepare


def _refuse_editable(_: Any, req: Any, *__: object) -> NoReturn:
    """Stand in for the way to editable installs, before anything is cloned for one."""
    from pip._internal.exceptions import InstallationError

    message = f"-e {req.req or req.link.url_without_fragment}: there are no editable installs for WASI; leave -e out"
    raise InstallationError(message)


def _installation_error(usual: Any) -> Any:
    """Have pip name a dependency of which there is no wheel.

    It goes back to release after release of what depends on it, and would name them all as conflicting at last.
    """

    def answer(factory: Any, error: Any, constraints: Any) -> Any:
        for requirement, parent in error.causes:
            _, wanted = requirement.get_candidate_lookup()
            if wanted is None or wanted.req is None:
                continue
            specifier = wanted.req.specifier
            installed = factory._installed_dists.get(requirement.project_name)
            if installed and specifier.contains(installed.version, prereleases=True):
                continue
            if factory._finder.find_best_candidate(wanted.req.name, specifier).best_candidate is None:
                return factory._report_single_requirement_conflict(requirement, parent)
        return usual(factory, error, constraints)

    return answer


def _remember_logins() -> None:
    """Have the second of pip's commands know the logins of the first: the report names addresses without them."""
    from pip._internal.network.auth import MultiDomainBasicAuth

    usual = MultiDomainBasicAuth.__init__
    known: dict[str, Any] = {}

    def begin(self: Any, *arguments: Any, **options: Any) -> None:
        usual(self, *arguments, **options)
        self.passwords = known  # by host, so no other host gets them

    MultiDomainBasicAuth.__init__ = begin  # type: ignore[method-assign]


def _see_installed(site: str) -> None:
    """Have pip read what is installed in `site`, which is not for this machine: as data, never from sys.path."""
    from pip._internal.metadata.importlib import Environment, _envs

    def default(cls: Any) -> Any:
        return cls([site])

    def from_paths(cls: Any, paths: Any) -> Any:
        return cls([site] if paths is None else paths)

    def no_editables(*_: object) -> Iterator[Any]:
        yield from ()

    Environment.default = classmethod(default)  # type: ignore[method-assign, assignment]
    Environment.from_paths = classmethod(from_paths)  # type: ignore[method-assign, assignment]
    # A wheel may bring a file NAME.egg-link, which names any folder.
    _envs._DistributionFinder.find_legacy_editables = no_editables  # type: ignore[method-assign, assignment]


def _guard_servers() -> None:
    """Refuse what pip would take from a server: files of this machine, by links and redirects, and names of files."""
    from pip._internal.exceptions import NetworkConnectionError
    from pip._internal.index import package_finder
    from pip._internal.network import download
    from pip._internal.network.session import PipSession
    from pip._internal.operations import prepare

    finder: Any = package_finder
    downloading: Any = download
    session: Any = PipSession
    preparing: Any = prepare
    links, target_of = finder.parse_links, session.get_redirect_target

    def parse_links(page: Any) -> list[Any]:
        return [link for link in links(page) if not link.is_file or page.url.startswith("file:")]

    def get_redirect_target(self: Any, response: Any) -> str | None:
        target = target_of(self, response)
        if target is None:
            return None
        whole = urljoin(response.url, target)
        allowed = ("https://",) if response.url.lower().startswith("https:") else ("https://", "http://")
        if not whole.lower().startswith(allowed):
            message = f"{response.url} redirects to {whole}, which is not followed"
            raise NetworkConnectionError(message, response=response)
        return str(target)

    finder.parse_links = parse_links
    session.get_redirect_target = get_redirect_target
    # A server may name a file in Content-Disposition; the index has named it already, and so does the report.
    downloading._get_http_response_filename = lambda _, link: link.filename
    # Archives are unpacked by hatch-wasi where they are built: what is in them is not looked at here.
    preparing.unpack_file = lambda *_, **__: None


def _measure_metadata(limits: dict[str, int], fields: int) -> None:
    """Have pip refuse a wheel whose metadata is too long before it parses it; `limits` are bytes of files, by name."""
    from pip._internal.exceptions import UnsupportedWheel
    from pip._internal.metadata import importlib
    from pip._internal.utils import wheel

    wheels: Any = wheel
    dists: Any = importlib._dists
    read, of_contents = wheels.read_wheel_metadata_file, dists.Distribution.from_metadata_file_contents.__func__

    def check(name: str, size: int, content: bytes = b"") -> None:
        head = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        if size > limits.get(name, size) or (name == "METADATA" and len(head) > fields):
            message = f"{name} of a wheel is longer than what is accepted: {max(size, len(content)):,} bytes"
            raise UnsupportedWheel(message)

    def bounded_read(source: Any, path: str) -> bytes:
        name, size = path.rpartition("/")[2], source.getinfo(path).file_size if path in source.NameToInfo else 0
        check(name, size)
        if name not in limits and size > max(limits.values()):
            return b""  # a bill of materials, say: pip does not look into it
        content = bytes(read(source, path))
        check(name, len(content), content)
        return content

    def bounded_contents(cls: Any, metadata_contents: bytes, filename: str, project_name: str) -> Any:
        check("METADATA", len(metadata_contents), metadata_contents)
        return of_contents(cls, metadata_contents, filename, project_name)

    wheels.read_wheel_metadata_file = dists.read_wheel_metadata_file = bounded_read
    dists.Distribution.from_metadata_file_contents = classmethod(bounded_contents)


def main(settings: dict[str, Any], arguments: list[str]) -> int:
    """Run pip."""
    os.environ["_PIP_USE_IMPORTLIB_METADATA"] = "1"  # the other backend imports more, and reads eggs
    os.environ["_PIP_RUNNING_IN_SUBPROCESS"] = "1"  # else it obeys PIP_PYTHON, and begins again without all this
    from pip._internal.cli.main import main as pip
    from pip._internal.distributions.sdist import SourceDistribution
    from pip._internal.index import collector
    from pip._internal.operations.prepare import RequirementPreparer
    from pip._internal.resolution.resolvelib.factory import Factory
    from pip._vendor.packaging import markers

    environment: Any = settings["markers"]
    markers.default_environment = environment.copy
    SourceDistribution.prepare_distribution_metadata = _metadata_from(settings)  # type: ignore[method-assign]
    RequirementPreparer.prepare_editable_requirement = _refuse_editable  # type: ignore[method-assign, assignment]
    Factory.get_installation_error = _installation_error(Factory.get_installation_error)  # type: ignore[method-assign]
    _remember_logins()
    _guard_servers()
    _measure_metadata(settings["limits"], settings["fields"])
    # Pages of an index that cannot be read are told of, not only where pip is asked for all.
    collector._handle_get_simple_fail = partial(collector._handle_get_simple_fail, meth=collector.logger.info)
    # pip imports what happens to be there (keyring, truststore, brotli, …): the standard library is all that it finds.
    # Its own parts it finds by its packages' paths.
    library = sysconfig.get_path("stdlib")
    sys.path[:] = [path for path in sys.path if path.startswith(library) and not path.endswith("-packages")]
    _see_installed(settings["site"])
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
