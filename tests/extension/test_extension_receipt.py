import os
import time

import pytest

from hatch_wasi.extension.receipt import Receipt, walked_folders


@pytest.fixture
def root(tmp_path):
    for name in ("pyproject.toml", "src/a.c", "src/deep/er/b.c", "other/c.c", "src/.git/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def receipt(root, inputs=("config",)):
    return Receipt(root / "receipt.json", list(inputs))


@pytest.fixture
def written(root):
    files = [root / "pyproject.toml", root / "src", root / "absent"]
    receipt(root).write({"tag": "x", "pure_python": False}, files, read=[root / "src/a.c"], began=time.time_ns())
    return root


def test_nothing_changed(written):
    assert receipt(written).result() == {"tag": "x", "pure_python": False}


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "src/a.c").write_text("other"),
        lambda root: os.utime(root / "src/a.c", ns=(1, 1)),
        lambda root: (root / "src/a.c").unlink(),
        lambda root: (root / "src/new.c").touch(),
        lambda root: (root / "absent").touch(),
        lambda root: (root / "receipt.json").write_text("{"),
        lambda root: (root / "receipt.json").write_text("[]"),
        lambda root: (root / "receipt.json").unlink(),
    ],
)
def test_something_changed(written, change):
    change(written)
    assert receipt(written).result() is None


def test_other_inputs(written):
    assert receipt(written, ["other"]).result() is None


def test_nothing_is_kept_when_a_source_changed_meanwhile(written):
    receipt(written).write({}, [], read=[written / "src/a.c"], began=0)
    assert receipt(written).result() is None


@pytest.mark.parametrize(
    ("patterns", "folders"),
    [
        (["src/a.c"], set()),
        (["other/*.c"], {"other"}),
        (["src/**/*.c"], {"src", "src/deep", "src/deep/er"}),
        (["src/d??p/er/b.c"], {"src", "src/deep", "src/deep/er"}),
        (["nowhere/*.c"], set()),
    ],
)
def test_walked_folders(root, patterns, folders):
    assert walked_folders(root, patterns) == {root / folder for folder in folders}
