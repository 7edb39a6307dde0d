"""apt with private state, asked by the real apt of this machine."""

import subprocess
import sys

ASK = """
import sys
from pathlib import Path
from hatch_wasi.sources.apt import Apt
from hatch_wasi.sources.machine import Distribution

folder = Path(sys.argv[1])
apt = Apt(Distribution.detect(), folder, folder / "log.txt")
print(apt.versions("libc6"))
"""


def test_the_indexes_are_fetched_before_the_first_question_even_without_assertions(tmp_path):
    done = subprocess.run(
        [sys.executable, "-O", "-c", ASK, str(tmp_path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert any((tmp_path / "lists").glob("*_Packages*")), "apt-get update has not run"
    assert done.stdout.startswith("['2.")
