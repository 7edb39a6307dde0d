"""`hatch-wasi uninstall`, `list`, `show`, `check` and `freeze`."""

import json

import pytest
from wheel_making import frozen, tree

from hatch_wasi.cli import main


@pytest.fixture
def command(site):
    return lambda name, *words: main([name, "--target", str(site), *map(str, words)])


def test_all_of_it_goes_and_nothing_else(install, make_wheel, site, command, capfd):
    one = make_wheel("one", "1.0", {"one/__init__.py": "", "one/data.txt": "", "shared/a.py": ""})
    install(one, make_wheel("two", "1.0", {"two.py": "", "shared/b.py": ""}))
    (site / "one" / "mine.txt").write_text("kept")
    assert command("uninstall", "-y", "ONE") == 0
    assert f"removed one 1.0 from {site}" in capfd.readouterr().err
    left = {name for name in tree(site) if not name.startswith("two-1.0.dist-info")}
    assert left == {"one/mine.txt", "two.py", "shared/b.py"}
    assert not list(site.glob("one/__pycache__/*"))


def test_a_name_that_is_not_there(install, make_wheel, command, capfd):
    install(make_wheel("one", "1.0", {"one.py": ""}))
    assert command("uninstall", "-y", "two") == 0
    assert "two is not installed" in capfd.readouterr().err
    assert command("uninstall", "-y", "no name!") == 2


def test_uninstall_without_a_terminal_needs_yes(install, make_wheel, site, command, capfd, monkeypatch):
    install(make_wheel("one", "1.0", {"one.py": ""}))
    assert command("uninstall", "one") == 2
    assert "hint: pass --yes" in capfd.readouterr().err
    assert (site / "one.py").is_file()


def test_a_list_of_names(install, make_wheel, site, command, tmp_path):
    install(*(make_wheel(name, "1.0", {f"{name}.py": ""}) for name in ("one", "two", "three")))
    (tmp_path / "names.txt").write_text("one>=1  # first\ntwo\n")
    assert command("uninstall", "-y", "-r", tmp_path / "names.txt") == 0
    assert {name for name in tree(site) if "/" not in name} == {"three.py"}


def test_a_distribution_without_record(install, make_wheel, site, command, capfd):
    install(make_wheel("one", "1.0", {"one.py": ""}))
    (site / "one-1.0.dist-info" / "RECORD").unlink()
    before = tree(site)
    assert command("uninstall", "-y", "one") == 1
    assert "has no RECORD" in capfd.readouterr().err
    assert tree(site) == before


def test_lists(install, make_wheel, command, capfd):
    app = make_wheel("My_App", "1.0", {"app.py": ""}, extra="Requires-Dist: one\n")
    one = make_wheel("one", "2.0", {"one.py": ""})
    install(app, one)
    capfd.readouterr()
    assert command("list") == 0
    assert capfd.readouterr().out == "Package Version\n------- -------\nMy_App  1.0\none     2.0\n"
    assert command("list", "--format", "json") == 0
    assert json.loads(capfd.readouterr().out) == [
        {"name": "My_App", "version": "1.0"}, {"name": "one", "version": "2.0"},
    ]  # fmt: skip
    assert command("list", "--not-required", "--format", "freeze") == 0
    assert capfd.readouterr().out == "My_App==1.0\n"
    assert command("freeze") == 0
    assert capfd.readouterr().out == f"My_App @ {frozen(app)}\none @ {frozen(one)}\n"


def test_what_packages_say_of_themselves(install, make_wheel, command, toolchain, site, capfd):
    lines = (
        "Summary: An app",
        "License: MIT",
        " of 1988",
        "Requires-Dist: One<3",
        "Requires-Dist: no; os_name == 'nt'",
    )
    app = make_wheel("My_App", "1.0", {"app.py": ""}, extra="".join(f"{line}\n" for line in lines))
    install(app, make_wheel("one", "2.0", {"one.py": ""}))
    capfd.readouterr()
    assert command("show", "my-app", "ONE", "two") == 0
    said = capfd.readouterr()
    assert said.err == "warning: two is not installed\n"
    assert said.out == (
        f"Name: My_App\nVersion: 1.0\nSummary: An app\nLicense: MIT\nLocation: {site}\nTags: py3-none-any\n"
        "Requires: one\nRequired-by: \n---\n"
        f"Name: one\nVersion: 2.0\nLocation: {site}\nTags: py3-none-any\nRequires: \nRequired-by: My_App\n"
    )
    assert command("show", "-f", "one") == 0
    assert "\nFiles:\n  __pycache__/one.cpython-313.pyc\n" in capfd.readouterr().out
    assert command("show", "two") == 1


def test_what_is_needed_and_not_there(install, make_wheel, command, toolchain, capfd):
    needs = (
        "one<2", "two", "three; sys_platform == 'linux'", "four; extra == 'more'", "five>1; sys_platform == 'wasi'",
    )  # fmt: skip
    install(
        make_wheel("app", "1.0", {"app.py": ""}, extra="".join(f"Requires-Dist: {need}\n" for need in needs)),
        make_wheel("one", "2.0", {"one.py": ""}),
        make_wheel("five", "1.1b1", {"five.py": ""}),
    )
    capfd.readouterr()
    assert command("check") == 1
    assert capfd.readouterr().out == (
        "app 1.0 needs one<2, and one 2.0 is installed\napp 1.0 needs two, which is not installed\n"
    )
    install(make_wheel("one", "1.5", {"one.py": ""}), make_wheel("two", "1.0", {"two.py": ""}))
    capfd.readouterr()
    assert command("check") == 0
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "no dependency is missing\n")


def test_a_folder_that_is_not_there_is_said(command, site, capfd):
    for name in ("list", "freeze", "check"):
        assert command(name) == 0
        assert f"warning: there is no folder {site}\n" in capfd.readouterr().err


def test_an_error_of_the_system_is_one_line(capfd):
    assert main(["list", "--target", "x" * 300]) == 1
    said = capfd.readouterr().err
    assert said.startswith("error: ")
    assert said.endswith("File name too long\n")


def test_nothing_is_installed(site, command, capfd):
    assert command("list") == 0
    assert command("freeze") == 0
    assert command("uninstall", "-y", "one") == 0
    assert capfd.readouterr().out == ""
