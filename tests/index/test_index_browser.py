"""The index in a real browser, Debian's chromium: what a person sees, on wide and narrow screens, in light and dark."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-quic",
)  # fmt: skip
SCHEMES = {"light": "1", "dark": "0"}


@pytest.fixture
def browse(request, tmp_path):
    """Open an address in a new browser, and give what it has in the end."""
    program = shutil.which("chromium")
    if program is None:
        if request.config.getoption("--require-toolchain"):
            pytest.fail("no chromium on the PATH: apt-get install chromium")
        pytest.skip("no chromium on the PATH")

    def run(url, *options):
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        argv = [program, *OPTIONS, profile, *options, url]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout

    return run


@pytest.fixture
def site(index, native_wheel, make_wheel, wheels, serve):
    """An index with what is hard to lay out: long words, long names, yanks, markup."""
    extra = "Summary: Text with <b>markup</b> & more\nRequires-Python: >=3.11\nRequires-Dist: other>=1\n"
    native_wheel("demo", "1.0", extra=extra)
    native_wheel("demo", "1.1rc1", extra=extra)
    native_wheel("demo", "0.9+" + "local." * 12 + "x", extra=extra)
    make_wheel("other_" * 20 + "end", "1.0", {"o.py": ""}, extra=f"Summary: {'long' * 100}\n")
    (wheels / "yanked.toml").write_text(f'"demo==0.9" = "{"reason" * 30}"')
    assert index(wheels) == 0
    shutil.copy(Path(__file__).with_name("probe.html"), wheels)
    return serve(wheels)


@pytest.fixture(params=SCHEMES)
def scheme(request):
    return request.param


@pytest.fixture(params=[320, 400, 1000])
def seen(request, browse, site, scheme):
    """What a visitor saw; the page itself has no script and gets none: the visitor looks at it in a frame."""
    width = request.param
    options = [f"--window-size={width + 100},900", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"]
    dom = browse(f"{site}/probe.html?width={width}", *options, "--virtual-time-budget=30000", "--dump-dom")
    (text,) = re.findall(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)
    found = json.loads(html.unescape(text))
    assert "error" not in found, found["error"]
    return {**found, "width": width}


def test_a_visit(seen, scheme, wheels):
    root, project = seen["root"], seen["project"]
    assert (root["path"], project["path"], seen["back"]) == ("/simple/", "/simple/demo/", "/simple/")
    assert root["links"][0] == "demo"
    assert project["title"] == "demo · Wheels for WASI Python"
    for text in ("Text with <b>markup</b> & more", "CPython 3.13", "WASI"):
        assert text in root["text"]
        assert text in project["text"]
    for text in ("yanked", "reasonreason", ">=3.11", "other>=1", "hatch-wasi install --index-url URL/simple/ demo"):
        assert text in project["text"]
    # Newest first; each file is there.
    versions = [re.findall(r"-([^-]+)-", name)[0] for name in project["links"]]
    assert versions == ["1.1rc1", "1.0", "0.9+" + "local." * 12 + "x"]
    assert seen["files"] == [[200, (wheels / name).stat().st_size] for name in project["links"]]
    for page in (root, project):
        assert seen["width"] - 20 < page["width"] <= seen["width"]  # a scroll bar at the side takes a little
        assert page["content"] <= page["width"], "wider than the screen"
        # WCAG 2.2, 1.4.3: text has a contrast of 4.5 at least
        assert page["contrast"] >= 4.5
        bright = sum(map(int, re.findall(r"\d+", page["background"])[:3])) > 3 * 128
        assert bright == (scheme == "light")


def test_a_screenshot(browse, site, tmp_path):
    """A narrow window of its own, without a frame: something is drawn on all of it."""
    browse(f"{site}/simple/demo/", "--window-size=400,900", f"--screenshot={tmp_path / 'page.png'}")
    data = (tmp_path / "page.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (400, 900)
    assert len(data) > 20_000
