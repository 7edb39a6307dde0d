"""Each project of tests/packages made for the hook: built, unpacked, imported and used, on both targets."""

import os
import subprocess
import sys

import pytest
from packaging.tags import sys_tags

NATIVE = next(tag for tag in sys_tags() if "linux" not in tag.platform or tag.platform.startswith("linux_"))
PACKAGES = ("bindings", "capsule", "craft", "cythonized", "several_sources", "stable_abi")


@pytest.mark.parametrize("name", PACKAGES)
def test_native(copy, name):
    project = copy(f"tests/packages/{name}")
    site = project.unpack()
    [wheel] = project.root.glob("dist/*.whl")
    tag = f"cp311-abi3-{NATIVE.platform}" if name == "stable_abi" else str(NATIVE)
    assert wheel.name == f"{name}-1.0-{tag}.whl"
    argv = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); exec(open('check.py').read())"]
    done = subprocess.run(argv, cwd=project.root, capture_output=True, encoding="utf-8", check=False)
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


@pytest.mark.usefixtures("wasi")
@pytest.mark.parametrize("name", PACKAGES)
def test_wasi(copy, guest, name):
    project = copy(f"tests/packages/{name}")
    site = project.unpack()
    [wheel] = project.root.glob("dist/*.whl")
    tag = "cp311-abi3" if name == "stable_abi" else "cp313-cp313"
    assert wheel.name == f"{name}-1.0-{tag}-wasi_wasm32.whl"
    done = guest("--site", site, project.root / "check.py")
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


class TestExample:
    """The project that a newcomer copies."""

    def test_native(self, copy):
        project = copy("example-project")
        site = project.unpack()
        assert [wheel.name for wheel in project.root.glob("dist/*.whl")] == [f"example_project-1.0.0-{NATIVE}.whl"]
        self.check_files(site)
        argv = [sys.executable, "-m", "unittest"]
        env = {**os.environ, "PYTHONPATH": str(site)}
        done = subprocess.run(argv, cwd=project.root, env=env, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr.endswith("OK\n")

    @pytest.mark.usefixtures("wasi")
    def test_wasi(self, copy, guest):
        project = copy("example-project")
        site = project.unpack()
        wheels = [wheel.name for wheel in project.root.glob("dist/*.whl")]
        assert wheels == ["example_project-1.0.0-cp313-cp313-wasi_wasm32.whl"]
        self.check_files(site)
        done = guest("--site", site, "-m", "unittest", cwd=project.root)
        assert done.returncode == 0, done.stderr
        assert done.stderr.endswith("OK\n")
        word = "'kitten', 'sitting'"
        code = (
            f"import example_project as e, example_project._speedups as s; print(e.IMPLEMENTATION, s.distance({word}))"
        )
        assert guest("--site", site, "-c", code).stdout == "c 3\n"

    def check_files(self, site):
        [module] = site.rglob("*.so")
        names = {path.name for path in (site / "example_project").iterdir()}
        assert names == {"__init__.py", "_pure.py", "_speedups.pyi", "py.typed", module.name}
