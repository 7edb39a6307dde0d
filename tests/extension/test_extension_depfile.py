import subprocess
from pathlib import Path

import pytest

from hatch_wasi.extension.depfile import parse
from hatch_wasi.target import Target


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("a.o: a.c\n", ("a.c",)),
        ("a.o: a.c \\\n b.h \\\n  c.h\n", ("a.c", "b.h", "c.h")),
        ("a.o: \\\r\n  a.c\r\n", ("a.c",)),
        ("a.o: a.c b.h\n\nb.h:\n", ("a.c", "b.h")),
        ("a.o: a.c a.c\n", ("a.c",)),
        ("a.o: a\\ b.c cost$$.h x\\#y.h back\\\\slash.h\n", ("a b.c", "cost$.h", "x#y.h", "back\\slash.h")),
        ("a.o: dir:name.c\n", ("dir:name.c",)),
        ("", ()),
        ("nonsense", ()),
    ],
)
def test_parse(text, files):
    assert parse(text) == files


def test_what_a_compiler_writes(tmp_path: Path):
    (tmp_path / "a b.h").touch()
    (tmp_path / "cost$.h").touch()
    (tmp_path / "main file.c").write_text('#include "a b.h"\n#include "cost$.h"\n')
    compiler = Target.native().variables["CC"].split()[0]
    subprocess.run([compiler, "-MD", "-MF", "d", "-c", "main file.c", "-o", "m.o"], cwd=tmp_path, check=True)
    assert set(parse((tmp_path / "d").read_text())) >= {"main file.c", "a b.h", "cost$.h"}
