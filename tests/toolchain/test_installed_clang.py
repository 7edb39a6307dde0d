"""Which of the machine's clangs serves, and why another does not."""

import os
import shutil
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.errors import ToolchainError
from hatch_wasi.toolchain.installed_clang import BUILD, VARIABLE, find, is_in_place, place

CLANG = """#!/bin/sh
case $1 in
--version) echo "{first} {version}" ;;
--print-targets) echo "    {target} - a target" ;;
-print-resource-dir) echo "{resources}" ;;
esac
"""


class Machine:
    """A folder that is the PATH, with stand-ins for clangs."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.resources = root / "resources"
        (self.resources / "include").mkdir(parents=True)
        (self.resources / "include" / "stddef.h").touch()
        self.bin.mkdir(parents=True)

    def script(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def clang(
        self,
        version: str,
        suffix: str = "",
        *,
        first: str = "Debian clang version",
        target: str = "wasm32",
        linker: str | None = None,
        tools: tuple[str, ...] = ("llvm-ar", "llvm-nm", "llvm-ranlib"),
    ) -> Path:
        for name in tools:
            self.script(f"{name}{suffix}", "#!/bin/sh\n")
        self.script(f"wasm-ld{suffix}", f"#!/bin/sh\necho 'LLD {linker or version} (compatible with GNU linkers)'\n")
        text = CLANG.format(first=first, version=version, target=target, resources=self.resources)
        return self.script(f"clang{suffix}", text)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(made.bin))
    return made


def test_the_newest_is_taken_whatever_its_name(machine: Machine) -> None:
    machine.clang("19.1.7", "-19")
    machine.clang("22.1.8")
    machine.clang("21.1.0", "-21")
    found = find()
    assert (found.version, found.major, found.programs["clang"]) == ("22.1.8", 22, machine.bin / "clang")
    assert found.programs["wasm-ld"] == machine.bin / "wasm-ld"
    machine.clang("23.1.0", "-23")
    assert find().programs["llvm-ar"] == machine.bin / "llvm-ar-23"


def test_ranlib_is_a_name_of_ar(machine: Machine) -> None:
    machine.clang("22.1.8", "-22", tools=("llvm-ar", "llvm-nm"))
    assert find().programs["llvm-ranlib"] == machine.bin / "llvm-ar-22"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"version": "17.0.6"}, "it is clang 17, and 18 or newer is needed"),
        ({"version": "22.1.8", "first": "Apple clang version"}, "is not clang as LLVM releases it"),
        ({"version": "22.1.8", "target": "x86-64"}, "it was built without WebAssembly"),
        ({"version": "22.1.8", "linker": "19.1.7"}, "its linker .*wasm-ld is LLD 19"),
        ({"version": "22.1.8", "tools": ("llvm-nm",)}, "llvm-ar, llvm-ranlib of LLVM 22 not found"),
    ],
)
def test_why_one_does_not_serve(machine: Machine, monkeypatch: pytest.MonkeyPatch, how: dict, reason: str) -> None:
    clang = machine.clang(**how)
    with pytest.raises(ToolchainError, match=reason):
        find()
    monkeypatch.setenv(VARIABLE, str(clang))
    with pytest.raises(ToolchainError, match=f"{VARIABLE}={clang} cannot be used: .*{reason}") as caught:
        find()
    assert f"`{BUILD}`" in str(caught.value.hint)


def test_one_without_its_headers_does_not_serve(machine: Machine) -> None:
    machine.clang("22.1.8")
    (machine.resources / "include" / "stddef.h").unlink()
    with pytest.raises(ToolchainError, match=r"its own headers are missing .*stddef\.h"):
        find()


def test_none(machine: Machine) -> None:
    with pytest.raises(ToolchainError, match="no clang 18 or newer on the PATH"):
        find()


def test_the_links_follow_the_machine(tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "cache")
    clang = machine.clang("22.1.8")
    assert not is_in_place(cache, "22.1.8")
    place(cache, find())
    place(cache, find())
    folder = cache.root / "clang" / "22.1.8"
    assert (folder / "clang").readlink() == clang
    assert is_in_place(cache, "22.1.8")
    # Upgraded in place: what was made with the old one is not used with the new one.
    machine.clang("22.1.9")
    os.utime(clang, ns=(1, 1))
    assert not is_in_place(cache, "22.1.8")
    # Another one of the same version takes its place when it is named.
    other = Machine(tmp_path / "other")
    shutil.copy(machine.clang("22.1.8"), other.bin / "clang")
    for name in ("wasm-ld", "llvm-ar", "llvm-nm", "llvm-ranlib"):
        shutil.copy(machine.bin / name, other.bin / name)
    monkeypatch.setenv(VARIABLE, str(other.bin / "clang"))
    place(cache, find())
    assert (folder / "clang").readlink() == other.bin / "clang"
    assert is_in_place(cache, "22.1.8")
    monkeypatch.setenv(VARIABLE, str(clang))
    assert not is_in_place(cache, "22.1.8")
    assert [path.name for path in folder.parent.iterdir()] == ["22.1.8"]
