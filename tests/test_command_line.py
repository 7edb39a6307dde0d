"""What all commands have in common."""

import subprocess
import sys

import pytest

from hatch_wasi.cli import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_common_options(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatch_wasi", command, "--help"], capture_output=True, text=True, check=True
    )
    for option in ("--python", "--sdk", "--offline", "--verbose", "--quiet"):
        assert option in done.stdout, option
