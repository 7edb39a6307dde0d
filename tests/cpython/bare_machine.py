"""A machine without a compiler, make, git and Python, as far as a PATH can make one."""

from pathlib import Path

UNWANTED = (
    "ar", "as", "c89", "c99", "c++", "cc", "cpp", "g++", "gmake", "ld", "make", "nm", "pkg-config", "ranlib", "strip",
)  # fmt: skip
UNWANTED_KINDS = ("clang", "gcc", "git", "llvm", "python", "wasmtime", "x86_64-")


def programs(folder: Path) -> Path:
    """Fill `folder` with links to the machine's other programs, to be the only folder on the PATH."""
    folder.mkdir()
    for place in ("/usr/bin", "/bin"):
        for path in Path(place).iterdir():
            unwanted = path.name in UNWANTED or path.name.startswith(UNWANTED_KINDS)
            if not unwanted and not (folder / path.name).is_symlink():
                (folder / path.name).symlink_to(path)
    return folder
