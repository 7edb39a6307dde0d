"""Wheels made for the tests: by the `wheel` library where they are good, by hand where they must not be."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from wheel.wheelfile import WheelFile

from hatch_wasi.console import Console

Content = str | bytes
Members = Mapping[str, Content]


def metadata(name: str, version: str, tag: str = "py3-none-any", extra: str = "") -> dict[str, str]:
    """METADATA and WHEEL of a wheel."""
    folder = f"{name}-{version}.dist-info"
    pure = "true" if tag.endswith("any") else "false"
    return {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extra}",
        f"{folder}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\nTag: {tag}\n",
    }


def frozen(wheel: Path) -> str:
    """The address of a wheel file as pip's `freeze` writes it."""
    return f"{wheel.as_uri()}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}"


class WheelMaker:
    """Makes wheel files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, version: str, files: Members, *, tag: str = "py3-none-any", extra: str = "") -> Path:
        """A good wheel, written by the `wheel` library; `extra` are lines for METADATA."""
        path = self.folder / f"{name}-{version}-{tag}.whl"
        with WheelFile(path, "w") as wheel:
            for member, content in {**files, **metadata(name, version, tag, extra)}.items():
                wheel.writestr(member, content)
        return path

    def by_hand(
        self,
        name: str,
        version: str,
        files: Members,
        *,
        tag: str = "py3-none-any",
        extra: list[tuple[zipfile.ZipInfo, bytes]] | None = None,
        changed: Members | None = None,
    ) -> Path:
        """A wheel with a true RECORD whose members may be anything; `extra` is not listed in RECORD.

        `changed` takes the place of METADATA or WHEEL.
        """
        path = self.folder / f"{name}-{version}-{tag}.whl"
        members = {**files, **metadata(name, version, tag), **(changed or {})}
        rows = [f'"{member}",{record_hash(content)},' for member, content in members.items()]
        members[f"{name}-{version}.dist-info/RECORD"] = "\n".join([*rows, f"{name}-{version}.dist-info/RECORD,,", ""])
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
            for info, data in extra or []:
                archive.writestr(info, data)
        return path


def record_hash(content: Content) -> str:
    digest = hashlib.sha256(content.encode() if isinstance(content, str) else content).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Lines:
    """What a Console said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.console = Console(write=self.lines.append)

    @property
    def warnings(self) -> list[str]:
        return [line.removeprefix("warning: ") for line in self.lines if line.startswith("warning: ")]


def tree(folder: Path) -> set[str]:
    """Every file below `folder`, bytecode apart."""
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() and path.suffix != ".pyc"
    }


def listing(folder: Path) -> list[str]:
    """What is right in `folder`, by name."""
    return sorted(path.name for path in folder.iterdir())
