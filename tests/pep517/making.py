"""What these tests make and look at: sdists, wheels, what `hatch-wasi wheel` left."""

import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from wheel.wheelfile import WheelFile

RUN = [sys.executable, "-m", "hatch_wasi"]


def made(tmp_path: Path) -> list[str]:
    """What is in the output folder."""
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def unpack(file: Path, folder: Path) -> Path:
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    return folder


def fails(done, tmp_path: Path, status: int = 1) -> str:
    """Check that a run failed as it should: with this status, no traceback and no wheel; gives what it said."""
    assert done.returncode == status, done.stderr
    assert "/hatch_wasi/" not in done.stderr, "no traceback of ours"
    assert not (tmp_path / "out").exists() or made(tmp_path) == []
    return done.stderr


def metadata(name: str, version: str, *lines: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"{line}\n" for line in lines)


def sdist(project: Path, index: Path, name: str = "answer", version: str = "1.0") -> Path:
    """Pack a project's folder."""
    index.mkdir(exist_ok=True)
    (project / "PKG-INFO").write_text(metadata(name, version))
    file = index / f"{name}-{version}.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(project, f"{name}-{version}")
    return file


def pure_wheel(
    index: Path, name: str, version: str, files: Mapping[str, str], *lines: str, tag: str = "py3-none-any"
) -> Path:
    """Make a wheel of text files; `lines` are for METADATA."""
    index.mkdir(exist_ok=True)
    file = index / f"{name}-{version}-{tag}.whl"
    with WheelFile(file, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
        info = f"{name}-{version}.dist-info"
        archive.writestr(f"{info}/METADATA", metadata(name.replace("_", "-"), version, *lines))
        pure = str(tag.endswith("-any")).lower()
        about = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
        archive.writestr(f"{info}/WHEEL", about)
    return file
