"""What someone who knows nothing of WASI gets: pip installs the example, and it is native."""

import sysconfig
from pathlib import Path

from hatchling.builders.sdist import SdistBuilder

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
REPORT = "import example_project as e, example_project._speedups as s; print(e.IMPLEMENTATION, s.distance('ab', 'b'), s.__file__)"


def test_sdist(copy, environment, no_cache):
    [sdist] = SdistBuilder(str(copy("example-project").root)).build()
    environment.install(sdist)
    implementation, distance, file = environment.run("-c", REPORT).split()
    assert (implementation, distance) == ("c", "1")
    assert Path(file) == environment.site / "example_project" / f"_speedups{SUFFIX}"
    assert not no_cache.exists()


def test_editable(copy, environment, no_cache):
    project = copy("example-project")
    environment.install("-e", project.root)
    module = project.root / "src/example_project" / f"_speedups{SUFFIX}"
    assert environment.run("-c", REPORT).split() == ["c", "1", str(module)]
    assert not no_cache.exists()
    # The source changes, and after the next install so does the module.
    source = project.root / "src/example_project/_speedups.c"
    source.write_text(source.read_text().replace("PyLong_FromSsize_t(result)", "PyLong_FromSsize_t(result + 40)"))
    environment.install("-e", project.root)
    assert environment.run("-c", REPORT).split()[:2] == ["c", "41"]


def test_editable_with_the_wasi_target_set(copy, environment, no_cache):
    project = copy("example-project")
    environment.env["HATCH_WASI_TARGET"] = "wasi"
    environment.install("-e", project.root)
    assert environment.run("-c", REPORT).split()[:2] == ["c", "1"]
    assert not no_cache.exists()
