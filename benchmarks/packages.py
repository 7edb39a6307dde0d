"""Packages of PyPI with C inside: their WASI wheels against their native ones of the same version.

Usage: packages.py [WHEELS] [PART…]. WHEELS is a folder of WASI wheels that were built before; what is not there is
built (numpy takes minutes). Parts: kernels, import, build, size, driver; all of them by default. The native wheels are
PyPI's, run by the build python.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import Case, build_python, duration, geometric_mean, hatch_wasi, interleave, run, scratch, table, toolchain

from hatch_wasi import bootstrap
from hatch_wasi.cache import Cache
from hatch_wasi.disguise.toolset import Toolset

VERSIONS = {"msgpack": "1.2.4", "regex": "2026.11.19", "ujson": "6.1.0", "numpy": "2.5.5", "markupsafe": "3.0.4"}
MEASURED = ("msgpack", "ujson", "regex", "numpy")
BUILT = ("markupsafe", "ujson", "msgpack", "regex")
"""C, C with C++, Cython, one large C file."""
ROUNDS = 7
REPEAT = 9
SUITE = Path(__file__).with_name("packages_suite.py")


class Packages:
    """The packages, installed for both."""

    def __init__(self, folder: Path, wheels: Path | None) -> None:
        """Install them in `folder`; WASI wheels are made, or are in `wheels`."""
        self.python = folder / "native/bin/python"
        self.site = folder / "site"
        wanted = [f"{name}=={version}" for name, version in VERSIONS.items()]
        run([build_python(toolchain()), "-m", "venv", folder / "native"])
        self.pip("install", "--only-binary", ":all:", *wanted)
        for name, version in VERSIONS.items():
            if not self._wasi(wheels, name, version):
                hatch_wasi("wheel", "-q", "--no-deps", "--no-binary", name, "-w", folder / "wasi", f"{name}=={version}")
        places = [place for place in (wheels, folder / "wasi") if place]
        self.wheels = [path for name, version in VERSIONS.items() for path in self._in(places, name, version)]
        hatch_wasi("install", "-q", "--target", self.site, *self.wheels)

    @staticmethod
    def _in(places: list[Path], name: str, version: str) -> list[Path]:
        return [path for place in places for path in place.glob(f"{name}-{version}-*wasi*.whl")][:1]

    def _wasi(self, wheels: Path | None, name: str, version: str) -> list[Path]:
        return self._in([wheels] if wheels else [], name, version)

    def pip(self, *arguments: object) -> None:
        """Run the native environment's pip."""
        run([self.python, "-m", "pip", "-q", "--disable-pip-version-check", *arguments])


def kernels(packages: Packages, _folder: Path) -> None:
    """Run the suite in both by turns, and give the ratio of the fastest runs."""
    times: dict[str, list[dict[str, float]]] = {"native": [], "WASI": []}
    for _ in range(ROUNDS):
        times["native"].append(json.loads(run([packages.python, SUITE, REPEAT, *MEASURED])))
        times["WASI"].append(json.loads(hatch_wasi("run", "--site", packages.site, SUITE, REPEAT, *MEASURED)))
    print(f"\nC kernels of packages, the fastest of {ROUNDS * REPEAT}:\n")
    print("| | native | WASI | ratio |\n|---|---|---|---|")
    ratios: dict[str, list[float]] = {}
    for name in times["native"][0]:
        native, guest = (min(found[name] for found in times[kind]) for kind in ("native", "WASI"))
        ratios.setdefault(name.partition(":")[0], []).append(guest / native)
        print(f"| {name} | {duration(native)} | {duration(guest)} | {guest / native:.2f} |")
    for package, found in ratios.items():
        print(f"| **{package}, geometric mean** | | | **{geometric_mean(found):.2f}** |")


def imports(packages: Packages, _folder: Path) -> None:
    """Time whole processes that import a package, and some that import nothing."""
    for statement in ("pass", "import numpy", "import markupsafe"):
        command = Path(sys.executable).with_name("hatch-wasi")
        cases: dict[str, Case] = {
            "native": partial(run, [packages.python, "-c", statement]),
            "WASI": partial(run, [command, "run", "--site", packages.site, "-c", statement]),
        }
        table(f"`{statement}`, whole process, warm", interleave(cases, 2 * ROUNDS, warm=2), base="native")


def builds(packages: Packages, folder: Path) -> None:
    """Time `hatch-wasi wheel` beside native `pip wheel`, environments and all."""
    for name in BUILT:
        requirement = f"{name}=={VERSIONS[name]}"

        def native(name: str = name, requirement: str = requirement) -> None:
            packages.pip("wheel", "--no-deps", "--no-cache-dir", "--no-binary", name, "-w", _new(folder), requirement)

        def wasi(name: str = name, requirement: str = requirement) -> None:
            options = ("-q", "--rebuild", "--no-deps", "--no-binary", name)
            hatch_wasi("wheel", *options, "-w", _new(folder), requirement)

        cases: dict[str, Case] = {"pip wheel": native, "hatch-wasi wheel": wasi}
        table(f"The wheel of {name}", interleave(cases, 2, warm=0), base="pip wheel")


def _new(folder: Path) -> str:
    return tempfile.mkdtemp(dir=folder)


def sizes(packages: Packages, folder: Path) -> None:
    """Print the sizes of wheels beside those of PyPI's for this machine."""
    natives = folder / "native-wheels"
    wanted = [f"{name}=={version}" for name, version in VERSIONS.items()]
    packages.pip("download", "--no-deps", "--only-binary", ":all:", "-d", natives, *wanted)
    print("\nWheels, KB:\n\n| | native | WASI | ratio |\n|---|---|---|---|")
    for path in packages.wheels:
        name = path.name.partition("-")[0]
        native, own = next(natives.glob(f"{name}-*")).stat().st_size, path.stat().st_size
        print(f"| {name} | {native / 1000:.0f} | {own / 1000:.0f} | {own / native:.2f} |")


def driver(_packages: Packages, folder: Path) -> None:
    """Time the compiler driver on an empty file, beside the clang that it becomes."""
    tools = toolchain()
    source = folder / "empty.c"
    source.write_text("")
    build = folder / "toolset"
    toolset = Toolset(
        folder=build, sdk=tools.sdk, python=tools.python, cxx=bootstrap.ready_cxx(Cache(), tools.sdk), hidden=(folder,),
        site_packages=folder / "none", target_packages=folder / "none",
    )  # fmt: skip
    toolset.write()
    out = ("-c", source, "-o", folder / "empty.o")
    cases: dict[str, Case] = {
        "clang": partial(run, [*tools.sdk.cc, *out]),
        "driver": partial(run, [toolset.program("cc"), *out]),
    }
    table("A call of the compiler, nothing to compile", interleave(cases, 30), base="clang")


PARTS: dict[str, Callable[[Packages, Path], None]] = {
    "kernels": kernels, "import": imports, "build": builds, "size": sizes, "driver": driver,
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    words = sys.argv[1:]
    wheels = Path(words.pop(0)).resolve() if words and words[0] not in PARTS else None
    with scratch() as folder:
        packages = Packages(folder, wheels)
        for name in words or PARTS:
            PARTS[name](packages, folder)


if __name__ == "__main__":
    main()
