"""Accept an SDK: look for its parts, then compile, link and run a program with it.

An SDK can look whole and miss a part (crt1.o, the builtins where this clang looks for them); found out here, it is
named, and not hours later as "C compiler cannot create executables".
"""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hatch_wasi import process
from hatch_wasi.errors import MalformedWasm, ProcessFailed, ToolchainError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain.provider import Trial
from hatch_wasi.wasm.side_module import SideModule

__all__ = ["clang_version", "missing_parts", "verify", "verify_cxx"]

PROGRAMS = ("clang", "wasm-ld", "llvm-ar", "llvm-nm", "llvm-ranlib")
# Long double and a quad division, so that the link needs the builtins as well as libc.
HELLO = """\
#include <stdio.h>
int main(int argc, char **argv) {
    volatile long double third = 1.0L / (2.0L + argc);
    return printf("hello from WASI %d\\n", (int)(third * 300.0L)) < 0;
}
"""
GREETING = "hello from WASI 100\n"
SIDE = (
    'extern int puts(const char *);\n__attribute__((visibility("default"))) int side(void) { return puts("side"); }\n'
)
# Each of these has been missing somewhere: constructors, iostream's tables, allocation, typeinfo, unwinding.
HELLO_CXX = """\
#include <iostream>
#include <map>
#include <memory>
#include <string>
#ifdef __cpp_exceptions
#include <stdexcept>
#endif
struct Base { virtual ~Base() = default; virtual int value() const = 0; };
struct Derived : Base { int value() const override { return 7; } };
std::map<std::string, std::unique_ptr<Base>> table;
int main() {
    table["seven"] = std::make_unique<Derived>();
    int number = dynamic_cast<Derived *>(table.at("seven").get())->value();
#ifdef __cpp_exceptions
    try { (void)table.at("eight"); } catch (const std::out_of_range &) { number += 10; }
    try { throw std::runtime_error("thrown"); } catch (const std::exception &error) { std::cout << error.what() << ' '; }
#endif
    std::cout << "C++ " << number << std::endl;
}
"""
GREETING_CXX = {False: "C++ 7\n", True: "thrown C++ 17\n"}
SIDE_LINK = (
    "-nostdlib",
    "-Wl,-pie,--import-memory,--no-entry,--unresolved-symbols=import-dynamic,--experimental-pic,--export=side",
)


def clang_version(sdk_root: Path) -> str:
    """Give the version of the SDK's clang, `22.1.8`. Raises `ToolchainError` if it does not run."""
    clang = sdk_root / "bin" / "clang"
    try:
        text = process.run([clang, "--version"], what="asking clang for its version", env=process.base_environment())
    except ProcessFailed as error:
        message = f"{clang} does not run: {error.message}"
        raise ToolchainError(message) from error
    found = re.search(r"clang version (\d+(?:\.\d+)*)", text)
    if not found:
        message = f"{clang} is not clang: it calls itself {text.splitlines()[:1]}"
        raise ToolchainError(message)
    return found[1]


def missing_parts(sdk: WasiSdk) -> list[str]:
    """Name what the SDK lacks, as a person would look for it; empty if it looks whole."""
    missing = [f"bin/{name}" for name in PROGRAMS if not sdk.program(name).is_file()]
    if not sdk.library_dir.is_dir():
        return [*missing, "sysroot (share/wasi-sysroot/lib/wasm32-wasip1)"]
    libraries = sdk.library_dir
    if not any((libraries / name).is_file() for name in ("crt1-command.o", "crt1.o")):
        missing.append(f"crt1 ({libraries.name}/crt1-command.o)")
    if not (libraries / "libc.a").is_file():
        missing.append(f"libc ({libraries.name}/libc.a)")
    if not (sdk.sysroot / "include" / sdk.triple / "stdio.h").is_file():
        missing.append(f"sysroot headers (include/{sdk.triple}/stdio.h)")
    if sdk.builtins is None:
        missing.append("builtins (lib/clang/*/lib/*/libclang_rt.builtins*.a)")
    return missing


def verify(sdk: WasiSdk, trial: Trial) -> None:
    """Compile, link and run a program, and link a side module. Raises `ToolchainError` saying what failed."""
    if missing := missing_parts(sdk):
        message = f"the SDK {sdk.root} lacks {', '.join(missing)}"
        raise ToolchainError(message)
    with tempfile.TemporaryDirectory(prefix="hatch-wasi-") as name:
        folder = Path(name)
        try:
            _run_hello(sdk, trial, folder)
            _link_side_module(sdk, folder)
        except (ProcessFailed, MalformedWasm) as error:
            message = f"the SDK {sdk.root} does not work: {error.message}"
            raise ToolchainError(message) from error


def _run_hello(sdk: WasiSdk, trial: Trial, folder: Path) -> None:
    source, program = folder / "hello.c", folder / "hello.wasm"
    source.write_text(HELLO, encoding="utf-8")
    process.run(
        [*sdk.cc, "-O1", source, "-o", program, "-lc-printscan-long-double"],
        what="compiling and linking a C program",
        env=process.base_environment(),
    )
    status, output = trial(program)
    if (status, output) != (0, GREETING):
        message = (
            f"the SDK {sdk.root} does not work: a program that it built gave status {status} and printed {output!r}"
        )
        raise ToolchainError(message)


def verify_cxx(sdk: WasiSdk, trial: Trial, options: Sequence[str], *, exceptions: bool) -> None:
    """Compile, link and run a C++ program by `options`; with `exceptions` one that throws.

    Raises `ToolchainError` saying what failed.
    """
    with tempfile.TemporaryDirectory(prefix="hatch-wasi-") as name:
        source, program = Path(name, "hello.cpp"), Path(name, "hello.wasm")
        source.write_text(HELLO_CXX, encoding="utf-8")
        argv: list[str | Path] = [*sdk.cxx, "-O1", source, "-o", program, *options]
        try:
            process.run(argv, what="compiling and linking a C++ program", env=process.base_environment())
        except ProcessFailed as error:
            message = f"the SDK {sdk.root} does not work: {error.message}"
            raise ToolchainError(message) from error
        status, output = trial(program)
    if (status, output) != (0, GREETING_CXX[exceptions]):
        message = f"the SDK {sdk.root} does not work: a C++ program gave status {status} and printed {output!r}"
        raise ToolchainError(message)


def _link_side_module(sdk: WasiSdk, folder: Path) -> None:
    source, module = folder / "side.c", folder / "side.so"
    source.write_text(SIDE, encoding="utf-8")
    process.run(
        [*sdk.cc, "-O1", "-fPIC", source, *SIDE_LINK, "-o", module],
        what="linking a side module",
        env=process.base_environment(),
    )
    if "side" not in SideModule.parse(module.read_bytes(), module.name).exports:
        message = f"the SDK {sdk.root} does not work: a side module that it linked does not export its function"
        raise ToolchainError(message)
