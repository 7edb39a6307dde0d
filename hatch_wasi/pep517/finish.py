"""From what a backend packed to the wheel that is kept: without the build's folders, accounted for, in one form."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from hatch_wasi.disguise import linked
from hatch_wasi.disguise.programs import LAUNCHED
from hatch_wasi.disguise.toolset import Toolset
from hatch_wasi.pep517.environment import Environment
from hatch_wasi.pep517.run_paths import run_paths
from hatch_wasi.sbom.document import Package, Toolchain
from hatch_wasi.wheels.accounts import accounts
from hatch_wasi.wheels.neutral import neutral
from hatch_wasi.wheels.rewrite import rewrite
from hatch_wasi.wheels.wheel import Wheel

__all__ = ["Finish", "archives", "package", "tools"]


@dataclass(frozen=True, kw_only=True)
class Finish:
    """How a wheel is finished."""

    private: Path
    """The build's folder, which must not show."""
    source_date: int
    """What members are dated, in seconds since 1970."""
    made_by: Toolchain | None = None
    """What the bill of materials names; None: there is to be none."""
    archives: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    """Static libraries that were linked, by the file names of modules."""

    def run(self, wheel: Path, folder: Path) -> Path:
        """Write the finished `wheel` into `folder`, which is made. Raises `WheelError` if it is not a whole wheel."""
        folder.mkdir(exist_ok=True)
        target = folder / wheel.name
        with Wheel.open(wheel) as opened:
            changed = neutral(opened, self.private) | run_paths(opened) | _without_launchers(opened)
            if self.made_by:
                changed |= accounts(opened, self.made_by, self.archives, changed, source_date=self.source_date)
            rewrite(opened, target, changed=changed, source_date=self.source_date)
        return target


def _without_launchers(wheel: Wheel) -> dict[str, bytes]:
    """Return the programs of `wheel` that begin with a launcher, as the modules that they are: it is of the build."""
    found = {}
    for name in wheel.archive.members:
        content = wheel.archive.read(name)
        if launcher := LAUNCHED.match(content):
            found[name] = content[launcher.end() :]
    return found


def archives(toolset: Toolset, source: Path, tree: Path) -> dict[str, list[Path]]:
    """Give the static libraries that a build linked and did not make itself, by the file names of modules.

    They are of packages for the target, or came with the sources; `tree` is the copy of `source` that was built in.
    """
    found = linked.archives(toolset.calls, [toolset.target_packages, tree])
    theirs = {
        name: [path for path in paths if not path.is_relative_to(tree) or (source / path.relative_to(tree)).is_file()]
        for name, paths in found.items()
    }
    return {name: paths for name, paths in theirs.items() if paths}


def package(wheel: Path) -> Package:
    """Describe the wheel of a build requirement whose files were used."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    with wheel.open("rb") as file:
        return Package(name=name, version=str(version), sha256=hashlib.file_digest(file, "sha256").hexdigest())


def tools(environment: Environment, requires: Sequence[str]) -> list[Package]:
    """List what a wheel was built by: all of an environment of its own; of another, what `requires` names."""
    names = {canonicalize_name(Requirement(need).name) for need in requires}
    found = {
        canonicalize_name(dist.name): str(dist.version)
        for dist in environment.distributions()
        if not environment.surroundings or canonicalize_name(dist.name) in names
    }
    return [Package(name=name, version=version) for name, version in sorted(found.items())]
