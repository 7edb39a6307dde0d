"""The sysroot of wasi-sdk 24, which ordinary users get and no registry has: that of 25, without what 24 does not have."""

import shutil
import subprocess
import tomllib
from pathlib import Path

from hatch_wasi.sdk import WasiSdk

DATA = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
MADE_OF, IMITATED = "574b88d", "b9ef79d"


def imitate(sdk: WasiSdk, root: Path) -> None:
    """Lay out an SDK folder at `root` as the official archives do: the programs of `sdk`, and the sysroot of wasi-sdk 24.

    An SDK that has the real one is taken as it is.
    """
    assert sdk.wasi_libc in (MADE_OF, IMITATED)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name in ("bin", "llvm", "lib"):
        if (sdk.root / name).exists():
            (root / name).mkdir()
            for inner in (sdk.root / name).iterdir():
                (root / name / inner.name).symlink_to(inner)
    shutil.copytree(sdk.sysroot, root / "share" / "wasi-sysroot")
    if sdk.wasi_libc == MADE_OF:
        _remove(WasiSdk(root=root, provider="", id="", llvm=sdk.llvm, wasi_libc=""))
    (root / "share" / "wasi-sysroot" / "VERSION").write_text(f"24.0\nwasi-libc: {IMITATED}7dbd4\n", encoding="utf-8")


def _remove(sdk: WasiSdk) -> None:
    for name in DATA["libraries"]["absent"]:
        (sdk.library_dir / name).unlink()
    for name, members in DATA["members"].items():
        argv = [sdk.program("llvm-ar"), "d", sdk.library_dir / name, *members]
        subprocess.run(argv, check=True)
    include = sdk.sysroot / "include" / sdk.triple
    for name in DATA["headers"]["absent"]:
        (include / name).unlink()
    for edit in DATA["headers"]["edits"]:
        path = include / edit["file"]
        text = path.read_text(encoding="utf-8")
        assert text.count(edit["old"]) == 1, edit
        path.write_text(text.replace(edit["old"], edit["new"]), encoding="utf-8")
