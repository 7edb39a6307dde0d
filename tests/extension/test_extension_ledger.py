import os
import time

import pytest

from hatch_wasi.extension.ledger import Ledger

LATER = 5_000_000_000


@pytest.fixture
def root(tmp_path):
    old = time.time_ns() - 10 * LATER
    for name in ("a.c", "a.h", "b.c", "a.o", "b.o"):
        (tmp_path / name).write_text(f"{name}\n")
        os.utime(tmp_path / name, ns=(old, old))
    return tmp_path


def reopened(root):
    return Ledger(root / "ledger.json", root)


@pytest.fixture
def made(root):
    ledger = reopened(root)
    ledger.record("a.o", "1", ("a.c", "a.h"), time.time_ns())
    ledger.record("b.o", "1", ("b.c", "a.h"), time.time_ns())
    ledger.save()
    return root


def change(path, content, *, later=LATER):
    stat = path.stat()
    path.write_text(content)
    os.utime(path, ns=(stat.st_mtime_ns + later, stat.st_mtime_ns + later))


def test_current(made):
    ledger = reopened(made)
    assert ledger.is_current("a.o", "1")
    assert ledger.inputs() == {"a.c", "a.h", "b.c"}
    assert set(ledger.outputs) == {"a.o", "b.o"}


@pytest.mark.parametrize(
    ("spoil", "current"),
    [
        (lambda root: change(root / "a.c", "x.c\n"), {"b.o"}),
        (lambda root: change(root / "a.c", "longer\n", later=0), {"b.o"}),
        (lambda root: change(root / "a.h", "x.h\n"), set()),
        (lambda root: (root / "a.c").unlink(), {"b.o"}),
        (lambda root: (root / "a.o").unlink(), {"b.o"}),
        (lambda root: change(root / "a.o", "a.o\n"), {"b.o"}),
        (lambda root: change(root / "a.c", "a.c\n"), {"a.o", "b.o"}),  # touched, not changed
    ],
)
def test_changes(made, spoil, current):
    spoil(made)
    ledger = reopened(made)
    assert {output for output in ("a.o", "b.o") if ledger.is_current(output, "1")} == current


def test_another_command(made):
    assert not reopened(made).is_current("a.o", "2")


def test_forgotten(made):
    ledger = reopened(made)
    ledger.forget(["a.o", "never.o"])
    ledger.save()
    assert reopened(made).outputs == ("b.o",)
    assert reopened(made).inputs() == {"b.c", "a.h"}


def test_one_rebuilt_after_a_header_changed_says_nothing_of_another(made):
    change(made / "a.h", "x.h\n")
    ledger = reopened(made)
    ledger.record("b.o", "1", ("b.c", "a.h"), time.time_ns())
    ledger.save()
    assert reopened(made).is_current("b.o", "1")
    assert not reopened(made).is_current("a.o", "1")


def test_changed_while_it_was_compiled(root):
    began = time.time_ns()
    os.utime(root / "a.c", ns=(began + 1, began + 1))
    ledger = reopened(root)
    ledger.record("a.o", "1", ("a.c",), began)
    ledger.save()
    assert not reopened(root).is_current("a.o", "1")


def test_changed_in_the_same_tick_of_the_clock(root):
    began = time.time_ns()
    os.utime(root / "a.c", ns=(began - 1, began - 1))
    ledger = reopened(root)
    ledger.record("a.o", "1", ("a.c",), began)
    ledger.save()
    assert reopened(root).is_current("a.o", "1")
    (root / "a.c").write_text("c.a\n")  # the same size, and the same time:
    os.utime(root / "a.c", ns=(began - 1, began - 1))
    assert not reopened(root).is_current("a.o", "1")


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "{}", '{"schema": 0, "files": [], "made": {}}', '{"schema": 1, "files": 3, "made": {}}',
        '{"schema": 1, "files": [], "made": {"a.o": ["1", [1, 2], [7]]}}', '{"schema": 1, "files": [["a"]], "made": {}}',
    ],
)  # fmt: skip
def test_damaged(root, content):
    (root / "ledger.json").write_text(content)
    ledger = reopened(root)
    assert ledger.outputs == ()
    assert not ledger.is_current("a.o", "1")
    ledger.record("a.o", "1", ("a.c",), time.time_ns())
    ledger.save()
    assert reopened(root).is_current("a.o", "1")
