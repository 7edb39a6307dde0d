"""Plain command modules, as an SDK is tried with."""

import subprocess

import pytest

from hatch_wasi.errors import LoadError
from hatch_wasi.runtime.engine import Rejected, Trapped
from hatch_wasi.runtime.trial import run_command

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words)
{
    for (int index = 1; index < count; index++)
        printf("<%s>", words[index]);
    if (count > 2)
        __builtin_trap();
    return count > 1 ? atoi(words[1]) : 0;
}
"""


@pytest.fixture(scope="module")
def command(wasi_sdk, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trial")
    (folder / "command.c").write_text(SOURCE)
    argv = [*wasi_sdk.cc, folder / "command.c", "-o", folder / "command.wasm"]
    subprocess.run(argv, check=True)
    return folder / "command.wasm"


@pytest.mark.parametrize(("argv", "status"), [([], 0), (["7"], 7), (["200"], 200), (["-1"], 255)])
def test_status_and_output(command, argv, status):
    assert run_command(command, argv) == (status, "".join(f"<{word}>" for word in argv))


def test_trap(command):
    with pytest.raises(Trapped) as caught:
        run_command(command, ["1", "2"])
    assert caught.value.message.startswith("wasm `unreachable` instruction executed\n  at command.wasm!")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\0asm\x01\0\0\0\xff"])
def test_other_files_are_rejected(tmp_path, content):
    (tmp_path / "x.wasm").write_bytes(content)
    with pytest.raises(Rejected):
        run_command(tmp_path / "x.wasm")


def test_module_without_start_is_no_command(tmp_path):
    (tmp_path / "x.wasm").write_bytes(b"\0asm\x01\0\0\0")
    with pytest.raises(LoadError, match="it does not export _start"):
        run_command(tmp_path / "x.wasm")
