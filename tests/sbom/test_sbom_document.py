"""What is known of toolchains of each kind, and how it is written."""

import hashlib
import json

import bills
import pytest

from hatch_wasi.cxx_library import CxxLibrary
from hatch_wasi.errors import ToolchainError
from hatch_wasi.sbom.component import Component, purl
from hatch_wasi.sbom.document import Package, Toolchain, Wheel, document
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.side_modules import abi
from hatch_wasi.wasi_python import WasiPython

SHA = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("compiler", "sysroot", "llvm", "libc", "clang", "rt", "python")}  # fmt: skip
COMMIT = "574b88da481569b65a237cb80daf9a2d5aeaf82d"
INPUTS = {
    "debian": {
        "distribution": "debian bookworm",
        "packages": {"clang-22": "1:22.1.8-1~deb12u1"},
        "sha256": {
            "clang-22_1%3a22.1.8-1~deb12u1_amd64.deb": SHA["clang"],
            "libclang-rt-22-dev-wasm32_1%3a22.1.8-1~deb12u1_all.deb": SHA["rt"],
            "wasi-libc_0.0~git20241209.574b88d-2_all.deb": SHA["libc"],
        },
        "wasi_libc_suite": "trixie",
    },
    "release": {
        part: {"release": release, "url": f"https://example.org/{part}.tar.gz", "sha256": SHA[part]}
        for part, release in (("compiler", "33.0"), ("sysroot", "25"))
    },
    "source": {
        "llvm": {"version": "22.1.8", "origin": "source package: llvm.tar.xz", "identity": SHA["llvm"]},
        "wasi_libc": {"commit": "574b88d", "origin": f"https://example.org/libc.git {COMMIT}", "identity": COMMIT},
    },
    "existing": None,
}


@pytest.fixture
def made_by(tmp_path):
    """Make a toolchain of one kind: only what a bill of materials reads of it."""

    def make(provider, wasi_libc="574b88d", python=None):
        root = tmp_path / provider
        sdk = WasiSdk(root=root, provider=provider, id=f"{provider}-1", llvm="22.1.8", wasi_libc=wasi_libc)
        builtins = root / "lib/clang/22/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a"
        for path in (sdk.program("clang"), builtins, root / "share/wasi-sysroot/lib/wasm32-wasip1/libc.a"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(path.name)
        if INPUTS[provider]:
            (root / "manifest.json").write_text(json.dumps({"inputs": INPUTS[provider]}))
        home = tmp_path / "python"
        home.mkdir(exist_ok=True)
        source = python or {"origin": "https://example.org/Python.tar.xz", "sha256": SHA["python"]}
        (home / "manifest.json").write_text(json.dumps({"inputs": {"source": source}}))
        about = {"version": "3.13.5", "wasi_libc": wasi_libc, "sdk": sdk.id, "sdk_version": None, "llvm": "22.1.8"}
        return Toolchain(sdk=sdk, python=WasiPython(root=home, **about))

    return make


def bill(toolchain, **modules):
    wheel = Wheel(name="A_b.c", version="1.0+x", modules={f"{name}.so": content for name, content in modules.items()})
    return bills.read(document(wheel, toolchain))


def test_debian_packages(made_by):
    found = bill(made_by("debian"))
    assert {ref: bills.component(found, ref)["purl"] for ref in ("llvm", "compiler-rt", "wasi-libc")} == {
        "llvm": "pkg:deb/debian/clang-22@1:22.1.8-1~deb12u1?arch=amd64&distro=bookworm",
        "compiler-rt": "pkg:deb/debian/libclang-rt-22-dev-wasm32@1:22.1.8-1~deb12u1?arch=all&distro=bookworm",
        "wasi-libc": "pkg:deb/debian/wasi-libc@0.0~git20241209.574b88d-2?arch=all&distro=trixie",
    }
    hashes = [bills.sha256(bills.component(found, ref)) for ref in ("llvm", "compiler-rt", "wasi-libc")]
    assert hashes == [SHA["clang"], SHA["rt"], SHA["libc"]]
    packed = {item["name"]: bills.sha256(item) for item in bills.component(found, "wasi-sdk")["components"]}
    assert packed == {"clang-22": SHA["clang"], "libclang-rt-22-dev-wasm32": SHA["rt"], "wasi-libc": SHA["libc"]}


def test_releases_of_wasi_sdk(made_by):
    found = bill(made_by("release"))
    hashes = [bills.sha256(bills.component(found, ref)) for ref in ("llvm", "compiler-rt", "wasi-libc")]
    assert hashes == [SHA["compiler"], SHA["compiler"], SHA["sysroot"]]
    packed = bills.component(found, "wasi-sdk")["components"]
    assert [item["purl"] for item in packed] == [f"pkg:github/WebAssembly/wasi-sdk@wasi-sdk-{n}" for n in (33, 25)]
    assert bills.properties(packed[0])["origin"] == "https://example.org/compiler.tar.gz"


def test_sources(made_by):
    found = bill(made_by("source"))
    llvm, libc = bills.component(found, "llvm"), bills.component(found, "wasi-libc")
    assert bills.sha256(llvm) == SHA["llvm"]
    assert llvm["purl"] == "pkg:github/llvm/llvm-project@llvmorg-22.1.8"
    assert "hashes" not in libc, "a git commit is no SHA-256"
    assert bills.properties(libc)["origin-identity"] == COMMIT


def test_an_sdk_that_says_nothing_of_itself(made_by):
    """What is on disk is hashed, and nothing is made up."""
    found = bill(made_by("existing", "sha256-0123456789ab"))
    assert bills.sha256(bills.component(found, "llvm")) == hashlib.sha256(b"clang").hexdigest()
    libc = bills.component(found, "wasi-libc")
    assert not {"purl", "hashes"} & libc.keys()
    assert [bills.sha256(item) for item in libc["components"]] == [hashlib.sha256(b"libc.a").hexdigest()]
    assert "components" not in bills.component(found, "wasi-sdk")


def test_python_of_a_local_tree_has_no_hash(made_by):
    found = bill(made_by("existing", python={"origin": "local tree", "sha256": "tree"}))
    cpython = bills.component(found, "cpython")
    assert "hashes" not in cpython
    assert bills.properties(cpython)["origin"] == "local tree"
    assert bills.sha256(bills.component(bill(made_by("existing")), "cpython")) == SHA["python"]


def test_an_archive_that_is_gone(made_by, tmp_path):
    wheel = Wheel(name="a", version="1", modules={"a.so": b""}, archives={"a.so": [tmp_path / "libgone.a"]})
    with pytest.raises(ToolchainError, match=r"libgone\.a was linked and cannot be read"):
        document(wheel, made_by("existing"))


def test_a_damaged_manifest_is_none(made_by):
    toolchain = made_by("debian")
    for text in ("{", "[]", '{"inputs": 1}'):
        (toolchain.sdk.root / "manifest.json").write_text(text)
        assert "components" not in bills.component(bill(toolchain), "wasi-sdk")


def test_what_is_no_module_of_ours_is_listed_and_explained_by_nothing(made_by):
    """A file that was packed as it was found: no WebAssembly, no note, or another toolchain's note."""
    toolchain = made_by("existing")
    found = bill(toolchain, elf=b"\x7fELF", bare=module(b""), foreign=module(b'{"clang": "19", "wasi_libc": "b9ef79d"}'), odd=module(b"[]"))  # fmt: skip
    for name in ("elf", "bare", "foreign", "odd"):
        assert bills.needs(found, f"module-{name}.so") == set()
    note = abi.describe(toolchain.sdk, "3.13.5", "cpython-313-wasm32-wasi")
    found = bill(toolchain, ours=module(note))
    assert bills.needs(found, "module-ours.so") == {"compiler-rt", "cpython", "hatch-wasi", "wasi-libc"}
    assert json.loads(bills.properties(bills.component(found, "module-ours.so"))["abi"]) == {
        key: value for key, value in json.loads(note).items() if value is not None
    }


def module(note):
    """Assemble the smallest side module, with a note if there is one."""
    sections = [b"\x08dylink.0" + b"\x01\x04\0\0\0\0", *([b"\x0ehatch_wasi.abi" + note] if note else [])]
    assert all(len(section) < 1 << 14 for section in sections)
    sized = [b"\0" + bytes([len(part) & 127 | 128, len(part) >> 7]) + part for part in sections]
    return b"\0asm\x01\0\0\0" + b"".join(sized)


def test_the_same_is_written_the_same_and_another_is_numbered_anew(made_by):
    def write(order, version="1", **more):
        modules = {name: name.encode() for name in order}
        return document(Wheel(name="a", version=version, modules=modules), made_by("debian"), **more)

    assert write("xy") == write("yx")
    numbers = {
        bills.read(text)["serialNumber"]
        for text in (write("xy"), write("x"), write("x", "2"), write("x", source_date=0))
    }
    assert len(numbers) == 4


def test_the_default_date_is_no_time(made_by):
    wheel = Wheel(name="a", version="1", modules={})
    assert "timestamp" not in bills.read(document(wheel, made_by("debian")))["metadata"]
    dated = bills.read(document(wheel, made_by("debian"), source_date=0))
    assert dated["metadata"]["timestamp"] == "1970-01-01T00:00:00Z"


def test_no_folder_of_this_machine_is_in_it(made_by, tmp_path):
    lib = tmp_path / "cxx" / "lib"
    for variant in ("eh", "noeh"):
        (lib / variant).mkdir(parents=True)
        for name in ("libc++.a", "libc++abi.a", "libunwind.a"):
            (lib / variant / name).write_text(name)
    toolchain = made_by("debian")
    cxx = CxxLibrary(root=tmp_path / "cxx", id="x", llvm="22.1.8", include=tmp_path, lib=lib)
    note = abi.describe(toolchain.sdk, "3.13.5", "cpython-313-wasm32-wasi", "22.1.8")
    made = Toolchain(
        sdk=toolchain.sdk, python=toolchain.python, cxx=cxx, headers=[Package(name="P_q", version="1")] * 2
    )
    wheel = Wheel(name="a", version="1", modules={"a.so": module(note)}, archives={"a.so": [lib / "eh" / "libc++.a"]})
    text = document(wheel, made)
    assert {"libc++-noeh", "libc++abi-noeh"} < bills.needs(bills.read(text), "module-a.so")
    assert str(tmp_path).encode() not in text


@pytest.mark.parametrize(
    ("kind", "name", "version", "qualifiers", "expected"),
    [
        ("pypi", "a", "1!2.0+x", [], "pkg:pypi/a@1%212.0%2Bx"),
        ("deb", "debian/libc++1", "1:2~3", [("distro", ""), ("arch", "all")], "pkg:deb/debian/libc%2B%2B1@1:2~3?arch=all"),
        ("github", "a/b", "v1 ä", [], "pkg:github/a/b@v1%20%C3%A4"),
    ],
)  # fmt: skip
def test_package_urls(kind, name, version, qualifiers, expected):
    from packageurl import PackageURL

    found = purl(kind, name, version, qualifiers)
    assert found == expected
    parsed = PackageURL.from_string(found)
    assert (f"{parsed.namespace}/{parsed.name}".removeprefix("None/"), parsed.version) == (name, version)


def test_what_is_not_known_is_left_out():
    assert Component(kind="library", name="a").json() == {"type": "library", "name": "a"}
    told = Component(kind="library", name="a", properties=(("b", ""), ("c", "d"))).json()
    assert told["properties"] == [{"name": "hatch-wasi:c", "value": "d"}]
