"""`hatch-wasi wheel` as a person runs it."""

import os
import subprocess

import pytest
from making import RUN


@pytest.fixture
def wheel(toolchain, tmp_path):
    """Run `hatch-wasi wheel` with its output in `out`."""

    def run(*words, **env):
        argv = [*RUN, "wheel", "-w", tmp_path / "out", *words]
        return subprocess.run(
            argv, cwd=tmp_path, env={**os.environ, **env}, capture_output=True, text=True, timeout=900, check=False
        )

    return run
