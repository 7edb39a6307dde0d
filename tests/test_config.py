from pathlib import Path

import pytest

from hatch_wasi.config import EXTENSION_KEYS, HATCH_KEYS, HookConfig
from hatch_wasi.errors import ConfigError

KEY = "tool.hatch.build.targets.wheel.hooks.wasi"
FIRST = f"{KEY}.extensions[0]"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("src/a.c", "src/b.c", "src/deep/c.c", "src/x.cpp", "src/y.pyx", "src/z.pyx", "src/h.h", "[odd].c"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def read(root, table, environ=(), **options):
    return HookConfig.from_table(table, key=KEY, root=root, environ=dict(environ), **options)


def one(root, **extension):
    table = {
        "name": "p.m",
        "sources": ["src/a.c"],
        **{name.replace("_", "-"): value for name, value in extension.items()},
    }
    return read(root, {"extensions": [table]}).extensions[0]


def issues(root, table, environ=()):
    with pytest.raises(ConfigError) as caught:
        read(root, table, environ)
    return list(caught.value.issues)


def extension_issues(root, **extension):
    table = {
        "name": "p.m",
        "sources": ["src/a.c"],
        **{name.replace("_", "-"): value for name, value in extension.items()},
    }
    return issues(root, {"extensions": [table]})


def test_defaults(root):
    config = read(root, {})
    assert (config.python, config.sdk, config.target, config.extensions) == ("3.13", "auto", "native", ())
    assert config.sbom
    assert not read(root, {"sbom": False}).sbom


def test_everything(root):
    extension = one(
        root,
        include_dirs=["include"],
        define_macros={"NAME": "VALUE", "FLAG": True, "COUNT": 3},
        undef_macros=["GONE"],
        libraries=["z"],
        library_dirs=["lib"],
        extra_compile_args=["-Wextra"],
        extra_link_args=["-lq"],
        language="c",
        std="c11",
        py_limited_api="3.11",
        optional=True,
        marker="sys_platform == 'wasi'",
    )
    assert extension.name == "p.m"
    assert extension.key == FIRST
    assert extension.include_dirs == ("include",)
    assert extension.define_macros == (("NAME", "VALUE"), ("FLAG", None), ("COUNT", "3"))
    assert extension.undef_macros == ("GONE",)
    assert (extension.libraries, extension.library_dirs) == (("z",), ("lib",))
    assert (extension.extra_compile_args, extension.extra_link_args) == (("-Wextra",), ("-lq",))
    assert (extension.language, extension.std, extension.py_limited_api) == ("c", "c11", "3.11")
    assert extension.optional
    assert extension.marker == "sys_platform == 'wasi'"


def test_environment_wins_over_the_table(root):
    table = {"python": "3.13", "sdk": "auto", "target": "native"}
    environ = {"HATCH_WASI_PYTHON": "3.14", "HATCH_WASI_SDK": "debian", "HATCH_WASI_TARGET": "wasi"}
    config = read(root, table, environ)
    assert (config.python, config.sdk, config.target) == ("3.14", "debian", "wasi")


def test_an_empty_variable_says_nothing(root):
    assert read(root, {"target": "wasi"}, {"HATCH_WASI_TARGET": ""}).target == "wasi"


def test_folders_are_below_the_project(root):
    config = read(root, {"python": "trees/python", "sdk": "/opt/wasi-sdk"})
    assert (config.python, config.sdk) == (str(root / "trees/python"), "/opt/wasi-sdk")


@pytest.mark.parametrize("name", HATCH_KEYS)
def test_keys_of_hatch_are_left_to_it(root, name):
    assert read(root, {name: "whatever"}).extensions == ()


class TestSources:
    @pytest.mark.parametrize(
        ("patterns", "found"),
        [
            (["src/b.c", "src/a.c"], ("src/b.c", "src/a.c")),
            (["src/*.c"], ("src/a.c", "src/b.c")),
            (["src/b.c", "src/*.c"], ("src/b.c", "src/a.c")),
            (["src/**/*.c"], ("src/a.c", "src/b.c", "src/deep/c.c")),
            (["./src/deep/../a.c"], ("src/a.c",)),
            (["[[]odd].c"], ("[odd].c",)),
            (["src/[ab].c"], ("src/a.c", "src/b.c")),
            (["[odd].c"], ("[odd].c",)),
            (["./[odd].c", "src/a.c"], ("[odd].c", "src/a.c")),
        ],
    )
    def test_found(self, root, patterns, found):
        assert one(root, sources=patterns).sources == found

    @pytest.mark.parametrize(
        ("pattern", "words"),
        [
            ("src/missing.c", "does not exist"),
            ("src/*.cc", "matches nothing"),
            ("src", "is a folder"),
            ("../elsewhere.c", "is outside the project"),
            ("src/../../elsewhere.c", "is outside the project"),
            ("/etc/passwd", "is outside the project"),
            ("src/h.h", "is not a source: known are .c, .cc, .cpp, .cxx, .pyx"),
        ],
    )
    def test_not_found(self, root, pattern, words):
        [issue] = extension_issues(root, sources=["src/a.c", pattern])
        assert issue.startswith(f"{FIRST}.sources[1] '{pattern}'")
        assert words in issue

    def test_objects_of_a_build_are_no_sources(self, root):
        made = root / ".hatch/wasi/x/y.pyx.c"
        made.parent.mkdir(parents=True)
        made.touch()
        assert one(root, sources=["**/*.c"]).sources == ("[odd].c", "src/a.c", "src/b.c", "src/deep/c.c")

    def test_not_looked_for_before_a_build(self, root):
        table = {"extensions": [{"name": "m", "sources": ["generated/*.pyx"]}]}
        [extension] = read(root, table, find_sources=False).extensions
        assert extension.sources == ()
        assert extension.is_cython

    def test_missing(self, root):
        assert issues(root, {"extensions": [{"name": "m"}]}) == [
            f"{FIRST}.sources is missing: name the files to compile"
        ]
        assert extension_issues(root, sources=[]) == [f"{FIRST}.sources is missing: name the files to compile"]

    def test_one_module_is_made_from_one_pyx(self, root):
        [issue] = extension_issues(root, sources=["src/*.pyx"])
        assert issue.startswith(f"{FIRST}.sources names several .pyx files (src/y.pyx, src/z.pyx)")


def test_language_is_told_from_suffixes(root):
    assert not one(root).is_cxx
    assert one(root, sources=["src/x.cpp"]).is_cxx
    assert one(root, language="c++").is_cxx
    assert one(root, sources=["src/y.pyx"]).is_cython


@pytest.mark.parametrize(
    ("key", "value", "issue"),
    [
        ("python", 3.13, 'python must be a string, not a float: write "3.13"'),
        ("python", ["3.13", "3.14"], "python must be one version, for one wheel: build once for each, with HATCH_WASI_PYTHON=X.Y"),
        ("python", "three", "python must be a version such as 3.13, or a folder, not 'three'"),
        ("sdk", "debain", "sdk must be one of auto, existing, release, debian, source, or a folder, not 'debain' (did you mean 'debian'?)"),
        ("target", "WASI", "target must be native or wasi, not 'WASI' (did you mean 'wasi'?)"),
        ("target", "", "target must not be empty"),
        ("sbom", "no", "sbom must be true or false, not a string"),
        ("extension", [], "extension is not known (did you mean 'extensions'?)"),
        ("qwertz", 1, "qwertz is not known"),
        ("extensions", {}, "extensions must be an array of tables, not a table"),
        ("extensions", ["a"], "extensions must be an array of tables, not an array of other things"),
    ],
)  # fmt: skip
def test_wrong_settings(root, key, value, issue):
    assert issues(root, {key: value}) == [f"{KEY}.{issue}"]


def test_wrong_variable_is_named(root):
    assert issues(root, {}, {"HATCH_WASI_TARGET": "wasm"}) == [
        "HATCH_WASI_TARGET must be native or wasi, not 'wasm' (did you mean 'wasi'?)"
    ]


@pytest.mark.parametrize(
    ("key", "value", "issue"),
    [
        ("name", 1, 'name must be a string, not an integer: write "1"'),
        ("name", "", "name must not be empty"),
        ("name", "a-b.c", "name must be a dotted module name, not 'a-b.c'"),
        ("name", "a..c", "name must be a dotted module name, not 'a..c'"),
        ("sources", "src/a.c", "sources must be an array of strings, not a string"),
        ("include_dirs", [1], "include-dirs[0] must be a string, not an integer"),
        ("libraries", ["z", ""], "libraries[1] must not be empty"),
        ("define_macros", ["A"], 'define-macros must be a table such as { NAME = "VALUE", FLAG = true }, not an array of other things'),
        ("define_macros", {"A": False}, "define-macros.A must be a string, a number or true, not false: leave it out, or name it in undef-macros"),
        ("define_macros", {"A": float("inf")}, "define-macros.A is inf, which C cannot write: use INFINITY or NAN of math.h"),
        ("define_macros", {"A": []}, "define-macros.A must be a string, a number or true, not an array"),
        ("define_macros", {"A B": "1"}, 'define-macros."A B" is not the name of a macro'),
        ("language", "C++", "language must be \"c\" or \"c++\", not 'C++'"),
        ("std", 11, 'std must be a string, not an integer: write "11"'),
        ("py_limited_api", 3.11, 'py-limited-api must be a string, not a float: write "3.11"'),
        ("py_limited_api", "cp311", "py-limited-api must be a version such as \"3.11\", not 'cp311'"),
        ("optional", "yes", "optional must be true or false, not a string"),
        ("marker", "sys_platform is wasi", "marker is not a PEP 508 marker: "),
        ("define_macro", {}, "define-macro is not known (did you mean 'define-macros'?)"),
        ("include-dir", [], "include-dir is not known (did you mean 'include-dirs'?)"),
    ],
)  # fmt: skip
def test_wrong_extensions(root, key, value, issue):
    [found] = extension_issues(root, **{key: value})
    assert found.startswith(f"{FIRST}.{issue}")


def test_cythons_directive_tells_the_language(root):
    for text, language in (
        ("# distutils: language = c++\nimport x\n", "c++"),
        ("#!python\n\n#distutils:language=c++", "c++"),
        ("# distutils: language = c\n", "c"),
        ("import x\n# distutils: language = c++\n", None),
    ):
        (root / "src/y.pyx").write_text(text)
        assert one(root, sources=["src/y.pyx"]).language == language
    (root / "src/y.pyx").write_text("# distutils: language = c\n")
    assert one(root, sources=["src/y.pyx"], language="c++").is_cxx


def test_exceptions_are_cxxs(root):
    assert one(root).exceptions
    assert not one(root, sources=["src/x.cpp"], exceptions=False).exceptions
    assert extension_issues(root, exceptions=False) == [f"{FIRST}.exceptions is about C++, and nothing here is"]
    # Before a build, sources may be missing.
    table = {"extensions": [{"name": "p.m", "sources": ["gone/*"], "exceptions": False}]}
    assert not read(root, table, find_sources=False).extensions[0].exceptions


def test_packages_with_headers_are_named(root):
    assert one(root, include_from=["pybind11", "a.b"]).include_from == ("pybind11", "a.b")
    issue = f"{FIRST}.include-from[0] must be the name of a package, not 'not-one'"
    assert extension_issues(root, include_from=["not-one"]) == [issue]
    assert one(root, include_from=["a"], portable_headers=["a"]).portable_headers == ("a",)
    issue = f"{FIRST}.portable-headers[0] must be one of include-from, not 'b'"
    assert extension_issues(root, include_from=["a"], portable_headers=["b"]) == [issue]


def test_c_with_cxx_sources(root):
    assert extension_issues(root, language="c", sources=["src/x.cpp"]) == [
        f'{FIRST}.language is "c", but src/x.cpp is C++'
    ]


def test_duplicate_names(root):
    table = {"name": "p.m", "sources": ["src/a.c"]}
    assert issues(root, {"extensions": [table, {**table, "name": "q"}, table]}) == [
        f"{KEY}.extensions[2].name 'p.m' is that of {FIRST} too: give each a marker, of which one holds"
    ]


def test_the_same_name_with_markers(root):
    tables = [{"name": "p.m", "sources": ["src/a.c"], "marker": f"sys_platform {test} 'wasi'"} for test in ("==", "!=")]
    assert [extension.name for extension in read(root, {"extensions": tables}).extensions] == ["p.m", "p.m"]
    tables[1].pop("marker")
    assert len(issues(root, {"extensions": tables})) == 1


@pytest.mark.parametrize(
    ("environ", "options", "target"),
    [({}, {}, "native"), ({"HATCH_WASI_TARGET": "wasi"}, {}, "wasi"), ({"HATCH_WASI_TARGET": "wasi"}, {"native": True}, "native")],
)  # fmt: skip
def test_settings_of_one_target(root, environ, options, target):
    table = {
        "name": "p.m",
        "sources": ["src/a.c"],
        "extra-compile-args": ["-O1"],
        "define-macros": {"A": "1", "B": True},
        "optional": True,
        "native": {"extra-compile-args": ["-march=native"], "define-macros": {"A": "2"}},
        "wasi": {"sources": ["src/b.c"], "extra-compile-args": ["-msimd128"], "optional": False, "std": "c17"},
    }
    extension = read(root, {"extensions": [table]}, environ, **options).extensions[0]
    expected = {
        "native": (("src/a.c",), ("-O1", "-march=native"), (("A", "2"), ("B", None)), True, None),
        "wasi": (("src/a.c", "src/b.c"), ("-O1", "-msimd128"), (("A", "1"), ("B", None)), False, "c17"),
    }
    assert (
        extension.sources,
        extension.extra_compile_args,
        extension.define_macros,
        extension.optional,
        extension.std,
    ) == expected[target]


@pytest.mark.parametrize("target", ["native", "wasi"])
def test_settings_of_one_target_are_checked_for_every_target(root, target):
    for wrong, key in (({"marker": "x"}, "marker"), ({"libraries": "z"}, "libraries"), ({"srcs": []}, "srcs")):
        [issue] = extension_issues(root, **{target: wrong})
        assert issue.startswith(f"{FIRST}.{target}.{key} ")
    [issue] = extension_issues(root, **{target: ["-O1"]})
    assert issue.startswith(f"{FIRST}.{target} must be a table")


def test_everything_wrong_is_said_at_once(root):
    table = {
        "sdk": 1,
        "extra": 1,
        "extensions": [{"nmae": "m", "sources": ["no.c"]}, {"name": "m", "sources": ["src/a.c"], "std": 1}],
    }
    found = issues(root, table, {"HATCH_WASI_TARGET": "x"})
    keys = [issue.split(" ")[0].removeprefix(f"{KEY}.") for issue in found]
    assert sorted(keys) == [
        "HATCH_WASI_TARGET", "extensions[0].name", "extensions[0].nmae", "extensions[0].sources[0]", "extensions[1].std",
        "extra", "sdk",
    ]  # fmt: skip


def test_keys_are_those_of_an_extension():
    from dataclasses import fields

    from hatch_wasi.config import Extension

    names = {field.name.replace("_", "-") for field in fields(Extension)}
    assert names == {*EXTENSION_KEYS, "key", "patterns", "depends"}  # the last is for Cython sources to set
