"""The distribution and its mirrors, as the machine's own apt knows them."""

from pathlib import Path

import pytest

from hatch_wasi.errors import ToolchainError
from hatch_wasi.sources.apt import parse_madison, parse_simulation
from hatch_wasi.sources.machine import Distribution, Mirror, parse_os_release, parse_targets

TARGETS = """\
https://mirror.example/debian/|bookworm|main
https://mirror.example/debian/|bookworm|main
https://mirror.example/debian/|bookworm|contrib
https://mirror.example/debian-security/|bookworm-security|main
https://packages.example/|stable|tools
"""


def test_os_release() -> None:
    text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n# comment\nID=debian\nVERSION_CODENAME=bookworm\n'
    assert parse_os_release(text)["ID"] == "debian"
    assert parse_os_release(text)["PRETTY_NAME"] == "Debian GNU/Linux 12 (bookworm)"


def test_targets_become_suites() -> None:
    assert parse_targets(TARGETS)[:2] == (
        Mirror("https://mirror.example/debian/", "bookworm", ("main", "contrib")),
        Mirror("https://mirror.example/debian-security/", "bookworm-security", ("main",)),
    )


def test_a_suite_is_a_line() -> None:
    mirror = Mirror("https://mirror.example/debian/", "bookworm", ("main", "contrib"))
    assert mirror.line("deb", None) == "deb https://mirror.example/debian/ bookworm main contrib"
    keyring = Path("/usr/share/keyrings/k.gpg")
    assert mirror.line("deb-src", keyring).startswith(f"deb-src [signed-by={keyring}] https://")


def test_newer_suites_come_from_the_same_mirror() -> None:
    machine = Distribution(id="debian", codename="bookworm", mirrors=parse_targets(TARGETS)[:2], keyring=None)
    newer = machine.newer()
    assert [suites.codename for suites in newer] == ["trixie", "forky", "sid"]
    assert newer[0].mirrors == (Mirror("https://mirror.example/debian/", "trixie", ("main", "contrib")),)


def test_another_kind_of_machine_is_refused(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text("ID=fedora\nVERSION_ID=43\n")
    with pytest.raises(ToolchainError, match=r"not a Debian or Ubuntu"):
        Distribution.detect(tmp_path / "os-release")
    with pytest.raises(ToolchainError):
        Distribution.detect(tmp_path / "missing")


def test_madison_lists_binary_versions_newest_first() -> None:
    text = """\
 clang-22 | 1:22.1.8-1 | https://mirror.example/debian-security bookworm-security/main amd64 Packages
 clang-22 | 1:22.1.8-1 | https://mirror.example/debian bookworm/main amd64 Packages
 clang-22 | 1:22.1.7-1 | https://mirror.example/debian bookworm/main amd64 Packages
 clang-22 | 1:22.1.9-1 | https://mirror.example/debian bookworm/main Sources
"""
    assert parse_madison(text) == ["1:22.1.8-1", "1:22.1.7-1"]


def test_simulation_gives_names_and_versions() -> None:
    text = (
        "Inst libllvm22 (1:22.1.8-1 Debian-Security:12/oldstable-security [amd64])\n"
        "Conf libllvm22 (1:22.1.8-1 Debian-Security:12/oldstable-security [amd64])\n"
        "Inst make [4.2] (4.3-4.1 Debian:12.15/oldstable [amd64])\n"
    )
    assert parse_simulation(text) == {"libllvm22": "1:22.1.8-1", "make": "4.3-4.1"}
