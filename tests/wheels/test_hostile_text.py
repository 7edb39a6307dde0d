"""What a wheel says of itself does not steer the terminal, whatever command shows it."""

import json

import pytest
from wheel_making import metadata

from hatch_wasi.cli import main

EVIL = "\x1b]0;owned\x07\x1b[31mRED\x9b31m\u202e\u2028"
FIELDS = f"Summary: {EVIL}\nHome-page: http://x/{EVIL}\nAuthor: {EVIL}\nLicense: {EVIL}\nRequires-Dist: nothing; sys_platform == '{EVIL}'\n"
WHEELS = {
    "METADATA": {"extra": FIELDS},
    "requirement": {"extra": f"Requires-Dist: a {EVIL}\n"},
    "Requires-Python": {"extra": f"Requires-Python: {EVIL}\n"},
    "version": {"changed": {"demo-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: demo{EVIL}\nVersion: 1{EVIL}\n"}},
    "WHEEL": {"changed": {"demo-1.0.dist-info/WHEEL": f"Wheel-Version: {EVIL}\nTag: {EVIL}\n"}},
    "tag": {"changed": {"demo-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: py3-none-{EVIL}\n"}},
    "entry points": {"files": {"demo-1.0.dist-info/entry_points.txt": f"[console_scripts]\n{EVIL} = a:b\n"}},
    "malformed entry points": {"files": {"demo-1.0.dist-info/entry_points.txt": f"[{EVIL}\n"}},
    "name of a file": {"files": {f"{EVIL}.py": ""}},
    "name of a folder": {"files": {f"demo-1.0.data/{EVIL}/x": ""}},
}  # fmt: skip


def check(said: str) -> None:
    assert all(line.isprintable() for line in said.split("\n")), ascii(said)


@pytest.mark.parametrize("parts", WHEELS.values(), ids=WHEELS)
def test_a_wheel_that_is_installed_audited_and_indexed(
    toolchain, make_wheel, site, tmp_path, capfd, monkeypatch, parts
):
    monkeypatch.setenv("HATCH_WASI_DATA_DIR", str(tmp_path / "data"))
    if extra := parts.get("extra", ""):
        text = metadata("demo", "1.0", extra=extra)["demo-1.0.dist-info/METADATA"]
        parts = {"changed": {"demo-1.0.dist-info/METADATA": text}}
    path = make_wheel.by_hand("demo", "1.0", parts.get("files", {}), changed=parts.get("changed"))
    main(["install", "--no-deps", "--target", str(site), str(path)])
    main(["audit", str(path)])
    main(["index", str(path.parent)])
    for words in (["show", "-f", "demo"], ["list"], ["freeze"], ["check"]):
        main([*words, "--target", str(site)])
    said = capfd.readouterr()
    check(said.out + said.err)
    main(["audit", "--json", str(path)])
    assert json.loads(capfd.readouterr().out)["format"] == 1


@pytest.mark.parametrize(
    "words", [["audit", f"--{EVIL}"], [f"{EVIL}"], ["list", "--format", EVIL], ["audit", f"{EVIL}.whl"]]
)
def test_a_command_line_that_is_wrong(toolchain, words, capfd):
    """A file may be called so that the shell's `*` makes it an option."""
    try:
        status = main(words)
    except SystemExit as stop:
        status = stop.code
    assert status in (1, 2)
    said = capfd.readouterr()
    check(said.out + said.err)


def test_what_is_shown_of_metadata_is_legible(toolchain, install, make_wheel, site, capfd):
    install(make_wheel("demo", "1.0", {"demo.py": ""}, extra="Summary: \x1b[31mgrün\n"))
    assert main(["show", "--target", str(site), "demo"]) == 0
    assert "Summary: \\x1b[31mgrün\n" in capfd.readouterr().out
