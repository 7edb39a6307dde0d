"""Packages of PyPI, from their sdists to their own tests on WASI: a few of those in docs/packages.md, one for each way.

C by setuptools, Cython, and C++; what is built for them stays in the cache, and is built anew here.
"""

import json
import os
import subprocess

import pytest
from making import RUN

PACKAGES = {
    "markupsafe==3.0.2": ("tests", 70),
    "msgpack==1.1.0": ("test", 110),
    "kiwisolver==1.4.8": ("py/tests", 45),
}


@pytest.mark.parametrize("requirement", PACKAGES)
def test_a_package_passes_its_own_tests(toolchain, tmp_path, requirement):
    folder, least = PACKAGES[requirement]
    report = '--junitxml=report.xml; status=$?; python -c "$COUNT" > "$OUT/counts"; exit $status'
    count = (
        "import json, xml.etree.ElementTree as tree; s = tree.parse('report.xml').getroot()[0]; "
        "print(json.dumps({k: int(s.get(k)) for k in ('tests', 'failures', 'errors', 'skipped')}))"
    )
    words = ["--no-binary", requirement.partition("=")[0], "--rebuild", requirement, "--test-requires", "pytest"]
    words += ["--test-sources", folder, "--test-command", f"python -m pytest -q -o addopts= {folder} {report}"]
    environment = {**os.environ, "OUT": str(tmp_path), "COUNT": count}
    argv = [*RUN, "wheel", "-w", tmp_path / "out", *words]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads((tmp_path / "counts").read_text())
    assert counts["failures"] == counts["errors"] == 0
    assert counts["tests"] - counts["skipped"] >= least
    assert len(list((tmp_path / "out").glob("*-wasi_wasm32.whl"))) == 1
