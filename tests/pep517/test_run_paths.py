"""A module and its library in different folders of a wheel: whatever the build says of run paths, one finds the other."""

import hashlib

import bills
import pytest
from making import made, unpack
from projects import CMAKE, C, write

SHARED = """\
add_library(inner SHARED inner.c)
set_target_properties(inner PROPERTIES INSTALL_RPATH "$ORIGIN" SUFFIX "END")
add_library(outer SHARED outer.c)
target_link_libraries(outer PRIVATE inner)
target_link_libraries(answer PRIVATE outer)
install(TARGETS inner LIBRARY DESTINATION libs/inner)
install(TARGETS outer LIBRARY DESTINATION libs)
"""
USE = C.replace("sizeof(long)", "outer()").replace("#include <math.h>", "#include <math.h>\nextern int outer(void);")


@pytest.mark.parametrize(("place", "end"), [(".", ".so"), ("pkg/deep", ".so.1")])
def test_a_library_in_another_folder_is_found(wheel, guest, tmp_path, place, end):
    project = write("scikit-build-core", tmp_path / "project")
    text = CMAKE.replace("DESTINATION .", f"DESTINATION {place}") + SHARED.replace("END", end)
    (project / "CMakeLists.txt").write_text(text)
    (project / "answer.c").write_text(USE)
    (project / "inner.c").write_text("int inner(void) { return 20; }\n")
    (project / "outer.c").write_text("extern int inner(void);\nint outer(void) { return inner() + 19; }\n")
    done = wheel(project)
    assert done.returncode == 0, done.stderr
    assert "not where it looks" not in done.stderr
    (file,) = (tmp_path / "out").iterdir()
    site = unpack(file, tmp_path / "site")
    assert (site / "libs" / "inner" / f"libinner{end}").is_file()
    module = "answer" if place == "." else "pkg.deep.answer"
    ran = guest("--site", site, "-c", f"from {module} import ask; print(ask(9.0))")
    assert ran.stdout == "42.0\n", ran.stderr
    assert made(tmp_path) == ["answer-1.0-cp313-cp313-wasi_wasm32.whl"]
    told = {item["content"] for part in bills.of(file)["components"] for item in part.get("hashes", ())}
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in site.rglob("*.so*")} <= told
