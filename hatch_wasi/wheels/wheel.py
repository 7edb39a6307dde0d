"""One wheel file, verified: what it is, what it asks for, and which file goes where."""

import configparser
import posixpath
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

from installer.sources import WheelContentElement, WheelSource
from installer.utils import SCHEME_NAMES, parse_entrypoints
from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.tags import InvalidTag, Tag, parse_tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from hatch_wasi.environment import CONFIG, LAUNCHERS
from hatch_wasi.errors import WheelError
from hatch_wasi.text import one_line
from hatch_wasi.wheels import metadata, record
from hatch_wasi.wheels.archive import Archive
from hatch_wasi.wheels.names import check_distinct, check_name
from hatch_wasi.wheels.programs import is_program_name, is_python

__all__ = ["INSTALLER_FILES", "Wheel"]

INSTALLER_FILES = ("INSTALLER", "REQUESTED", "direct_url.json")
"""Files in dist-info that the installing program writes; a wheel's own are left out."""

FIRST_LINE = 1024
"""Bytes of the longest first line of a script."""
TAG_LIMIT = 10_000
"""Tags in WHEEL; the most that projects have are some tens."""


class Wheel(WheelSource):
    """A wheel whose archive, RECORD, metadata and layout are checked, for the `installer` library to write.

    Made by `Wheel.open`. Files go below the one folder that is on sys.path, as `pip install --target` does:
    purelib, platlib and data to its top, headers to include/NAME/, scripts to a folder that the installer chooses if
    they can be programs on WASI, else to share/NAME/scripts/.
    """

    def __init__(self, path: Path, archive: Archive) -> None:
        """Check everything of `archive`, the file at `path`. Raises `WheelError`."""
        try:
            self.project, self.parsed_version, _, self.tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename as error:
            message = f"{path.name} is not the name of a wheel: {error}"
            raise WheelError(message, hint="wheels are named NAME-VERSION-PYTHON-ABI-PLATFORM.whl") from error
        super().__init__(*path.name.split("-")[:2])
        self.path = path
        self.archive = archive
        self._dist_info = self._folder(".dist-info") or ""
        if not self._dist_info:
            message = f"{path.name}: there is no .dist-info folder"
            raise WheelError(message, hint="the file is not a wheel")
        self._data = self._folder(".data") or super().data_dir
        record.verify(archive, self._dist_info)
        self._check_wheel_file()
        self._check_metadata()
        self.places: dict[str, str] = {}
        """Archive member -> where it goes, relative to the folder that is installed into; without the programs."""
        self.programs: dict[str, str] = {}
        """Archive member -> the name of the program that it becomes."""
        self.foreign: list[str] = []
        """Names of what would be a program of another Python, but is not a Python script: a data file."""
        self.misnamed: list[str] = []
        """Names of programs that cannot have them."""
        self._sort_members()
        self.scripts = self._entry_points()
        """Names of the programs that the entry points ask for."""
        self._check_places()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["Wheel"]:
        """Open the wheel `path`. Raises `WheelError`."""
        with Archive.open(path) as archive:
            yield cls(path, archive)

    @property
    def label(self) -> str:
        """`name 1.0`, for a person."""
        return f"{self.distribution} {self.parsed_version}"

    @property
    def dist_info_dir(self) -> str:
        """Name of the .dist-info folder."""
        return self._dist_info

    @property
    def data_dir(self) -> str:
        """Name of the .data folder, which need not be there."""
        return self._data

    @property
    def headers(self) -> str:
        """Folder of its C headers, relative to the folder that is installed into."""
        return f"include/{self.distribution}"

    @property
    def dist_info_filenames(self) -> list[str]:
        """Names of the files in dist-info, relative to it."""
        prefix = f"{self._dist_info}/"
        return [name.removeprefix(prefix) for name in self.archive.members if name.startswith(prefix)]

    def read_dist_info(self, filename: str) -> str:
        """Read a text file of dist-info. Raises `WheelError`."""
        return self.archive.text(f"{self._dist_info}/{filename}")

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Give what is to be written: row of RECORD, stream, whether it is executable."""
        for name in (*self.places, *self.programs):
            with self.archive.open_member(name) as stream:
                yield (name, "", ""), cast("BinaryIO", stream), name in self.programs

    def installed_names(self, scripts: str = "bin") -> list[str]:
        """List every file that an installation has, bytecode apart, relative to its folder; programs are in `scripts`."""
        own = [f"{self._dist_info}/{name}" for name in ("RECORD", *INSTALLER_FILES)]
        programs = (f"{scripts}/{name}" for name in (*self.programs.values(), *self.scripts))
        return [*self.places.values(), *programs, *own]

    def place(self, scheme: str, path: str) -> tuple[str, str]:
        """Return where the file `path` of a scheme goes, and the name of the program that it becomes, if it becomes one.

        The first is relative to the folder that is installed into, and empty for a program.
        """
        member = f"{self._data}/{scheme}/{path}"
        if name := self.programs.get(member):
            return "", name
        # What is not in .data is of the scheme that WHEEL names.
        return self.places.get(member) or path, ""

    def needs(self, environment: Mapping[str, str], extras: Collection[str] = ()) -> list[Requirement]:
        """List what it needs in the marker `environment` (PEP 508), with `extras`. Raises `WheelError`."""
        wanted = [{**environment, "extra": extra} for extra in ("", *extras)]
        try:
            return [need for need in self.requires if not need.marker or any(map(need.marker.evaluate, wanted))]
        except (UndefinedComparison, UndefinedEnvironmentName) as error:
            raise self._fail(f"a marker in METADATA cannot be evaluated: {error}") from error

    def _fail(self, reason: str, hint: str | None = None) -> WheelError:
        return WheelError(one_line(f"{self.path.name}: {reason}"), hint=hint)

    def _folder(self, suffix: str) -> str | None:
        found = sorted({top for name in self.archive.members if (top := name.partition("/")[0]).endswith(suffix)})
        if len(found) > 1:
            raise self._fail(f"there is more than one {suffix} folder: {', '.join(map(repr, found))}")
        if not found:
            return None
        name, _, version = found[0].removesuffix(suffix).rpartition("-")
        try:
            same = canonicalize_name(name) == self.project and Version(version) == self.parsed_version
        except InvalidVersion:
            same = False
        if not same:
            raise self._fail(f"the folder {found[0]!r} is another project's or version's")
        return found[0]

    def _check_wheel_file(self) -> None:
        try:
            wheel = metadata.headers(self.read_dist_info("WHEEL"), "WHEEL")
            version = str(metadata.single(wheel, "Wheel-Version", "WHEEL"))
            metadata.single(wheel, "Root-Is-Purelib", "WHEEL")
        except metadata.Malformed as error:
            raise self._fail(str(error)) from error
        if not version.startswith("1."):
            raise self._fail(f"Wheel-Version is {version!r}; 1.x is understood")
        try:
            lines = [str(line).strip() for line in wheel.get_all("Tag") or []]
            # `a.b-c.d-e.f` are eight; a line of some kilobytes can be a thousand million.
            if sum(prod(part.count(".") + 1 for part in line.split("-")) for line in lines) > TAG_LIMIT:
                raise self._fail(f"WHEEL gives more than {TAG_LIMIT} tags")
            self.inner_tags: frozenset[Tag] = frozenset(tag for line in lines for tag in parse_tag(line))
        except (InvalidTag, ValueError) as error:
            raise self._fail(f"a Tag in WHEEL is malformed: {error}") from error
        if self.inner_tags and self.inner_tags.isdisjoint(self.tags):
            inner = ", ".join(sorted(map(str, self.inner_tags))[:4])
            raise self._fail(f"the file name's tag is not one that WHEEL gives: {inner}", "do not rename wheels")

    def _check_metadata(self) -> None:
        try:
            found = metadata.parse(self.read_dist_info("METADATA"))
        except metadata.Malformed as error:
            raise self._fail(str(error).replace("\n", " ")) from error
        try:
            same = canonicalize_name(found.name) == self.project and Version(found.version) == self.parsed_version
        except InvalidVersion:
            same = False
        if not same:
            raise self._fail(
                f"METADATA is of {found.name!r} {found.version!r}, which is not what the file is named for"
            )
        self.requires_python, self.requires = found.requires_python, found.requires

    def _sort_members(self) -> None:
        for member in self.archive.members:
            place = self._place(member)
            if place is None:
                continue
            name = self._program_name(member)
            if name and is_program_name(name) and self._is_python(member):
                self.programs[member] = name
                continue
            self.places[member] = place
            if name:
                (self.foreign if is_program_name(name) else self.misnamed).append(name)

    def _program_name(self, member: str) -> str:
        """Return the name under which pip would put a file on the PATH; empty if it would not."""
        for scheme in ("scripts/", "data/bin/"):
            if member.startswith(prefix := f"{self._data}/{scheme}"):
                return member.removeprefix(prefix)
        return ""

    def _is_python(self, member: str) -> bool:
        with self.archive.open_member(member) as stream:
            return is_python(stream.readline(FIRST_LINE))

    def _place(self, name: str) -> str | None:
        top, _, rest = name.partition("/")
        if "__pycache__" in name.split("/")[:-1]:
            return None  # bytecode is compiled here: what a wheel brings might not be its sources'
        if top == self._dist_info and rest in ("RECORD", *record.SIGNATURES, *INSTALLER_FILES):
            return None
        if top != self._data:
            return name
        # A file that is named as the folder has no scheme either; the installer library would never end with it.
        scheme, _, path = rest.partition("/")
        if scheme not in SCHEME_NAMES or not path:
            raise self._fail(f"{name!r} is in no scheme ({', '.join(SCHEME_NAMES)})")
        folder = {"scripts": f"share/{self.distribution}/scripts", "headers": self.headers}.get(scheme, "")
        return posixpath.join(folder, path)

    def _entry_points(self) -> list[str]:
        if "entry_points.txt" not in self.dist_info_filenames:
            return []
        try:
            names = [name for name, _, _, _ in parse_entrypoints(self.read_dist_info("entry_points.txt"))]
        except (AssertionError, AttributeError, configparser.Error, ValueError) as error:
            reason = str(error).replace("\n", " ") or "an entry point is not MODULE:ATTRIBUTE"
            raise self._fail(f"entry_points.txt is malformed: {reason}") from error
        for name in names:
            check_name(name, f"{self.path.name}: entry_points.txt")
            if "/" in name:
                raise self._fail(f"entry_points.txt: {name!r} is not the name of a script")
        self.misnamed += [name for name in names if not is_program_name(name)]
        return [name for name in names if is_program_name(name)]

    def _check_places(self) -> None:
        names = self.installed_names(LAUNCHERS)
        check_distinct(names, self.path.name)
        for name in names:
            top = name.partition("/")[0]
            if name.casefold() == CONFIG:
                raise self._fail(f"{name!r} would pose as an environment")
            if top != self._dist_info and top.lower().endswith((".dist-info", ".egg-info")):
                raise self._fail(f"{name!r} would pose as part of another distribution")
