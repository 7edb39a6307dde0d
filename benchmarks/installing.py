"""Install 50 wheels for WASI Python, and natively by pip: the standard library's packages and modules as wheels."""

import shutil
import sys
import sysconfig
import tempfile
from functools import partial
from pathlib import Path

from bench import Case, hatch_wasi, interleave, run, scratch, table
from wheel.wheelfile import WheelFile

ROUNDS = 5
COUNT, MODULES = 50, 12


def sources() -> list[Path]:
    """List modules of the standard library: real code, of real size."""
    library = Path(sysconfig.get_path("stdlib"))
    skipped = {"test", "tests", "site-packages", "dist-packages", "lib2to3", "idlelib", "__pycache__"}
    return sorted(path for path in library.rglob("*.py") if not skipped & set(path.relative_to(library).parts))


def make_wheels(folder: Path) -> list[str]:
    """Make wheels that each need the next, and give their names."""
    files = sources()
    names = [f"bench-{index:02}" for index in range(COUNT)]
    for index, name in enumerate(names):
        package = name.replace("-", "_")
        info = f"{package}-1.0.dist-info"
        need = f"Requires-Dist: {names[index + 1]}>=1.0\n" if index + 1 < COUNT else ""
        with WheelFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{package}/__init__.py", "")
            for number in range(MODULES):
                file = files[(index * MODULES + number) % len(files)]
                wheel.writestr(f"{package}/module{number}.py", file.read_bytes())
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{need}")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    return names


def into(folder: Path, install: Case | partial[object]) -> None:
    """Install into a new folder."""
    target = Path(tempfile.mkdtemp(dir=folder))
    install(target)  # type: ignore[call-arg]
    assert len(list(target.glob("*.dist-info"))) == COUNT
    shutil.rmtree(target)


def main() -> None:
    """Measure and print."""
    with scratch() as folder:
        wheels = folder / "wheels"
        wheels.mkdir()
        names = make_wheels(wheels)
        chosen = ["--no-index", "--find-links", wheels, "--target"]
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        cases: dict[str, Case] = {
            "pip install, natively": partial(into, folder, lambda target: run([*pip, *chosen, target, names[0]])),
            "hatch-wasi install": partial(
                into, folder, lambda target: hatch_wasi("install", "-q", *chosen, target, names[0])
            ),
            "hatch-wasi install, of files": partial(
                into, folder, lambda target: hatch_wasi("install", "-q", "--target", target, *wheels.glob("*.whl"))
            ),
        }
        table(f"Installing {COUNT} wheels", interleave(cases, ROUNDS), base="pip install, natively")


if __name__ == "__main__":
    main()
