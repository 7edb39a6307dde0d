"""What may happen to side modules and to wheels: as values that hypothesis makes and shrinks, and what they do."""

import base64
import hashlib
import re
import stat
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies as st
from sections import HEADER, join, leb, number_at, split
from wheel_making import metadata, record_hash

Mutation = tuple[str, int, int]
"""What, where and how much."""
PLACES = st.integers(0, 2**20)
VALUES = st.one_of(st.integers(0, 255), st.integers(0, 2**32 - 1))
MODULE_KINDS = (
    "flip", "set", "cut", "insert", "delete", "copy", "swap", "double", "drop", "size", "count", "forge", "custom", "grow",
)  # fmt: skip
FORGED = (
    b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x80\x00", b"\xff" * 12, b"\x80\x80\x80\x80\x08",
    b"\x80\x00", b"\x7f",
)  # fmt: skip
"""Numbers as no linker writes them: the largest, too large ones, endless ones, long ways to write zero."""
CUSTOM = (
    (b"\x08dylink.0", b"\x01\x04\xff\x01\x00\x00\x00"),
    (b"\x08dylink.0", b"\x02\x05\x01\x03a.b"),
    (b"\x0ehatch_wasi.abi", b'{"wasi_libc": ["' + b"[" * 3000),
    (b"\x0ehatch_wasi.abi", b'{"wasi_libc": 1' + b"0" * 5000 + b"}"),
    (b"\x0b.debug_info", b"\x00" * 9),
    (b"\x03\xff\xfe\xfd", b""),
)


def module_mutations() -> st.SearchStrategy[list[Mutation]]:
    return st.lists(st.tuples(st.sampled_from(MODULE_KINDS), PLACES, VALUES), min_size=1, max_size=4)


def mutate_module(data: bytes, mutations: list[Mutation]) -> bytes:
    for kind, place, value in mutations:
        data = (
            _mutate_sections(data, kind, place, value)
            if kind in MODULE_KINDS[6:]
            else _mutate_bytes(data, kind, place, value)
        )
    return data


def _mutate_bytes(data: bytes, kind: str, place: int, value: int) -> bytes:
    at = place % (len(data) + 1)
    byte = value & 0xFF
    match kind:
        case "flip":
            return data[:at] + bytes([data[at] ^ 1 << byte % 8]) + data[at + 1 :] if at < len(data) else data
        case "set":
            return data[:at] + bytes([byte]) + data[at + 1 :]
        case "cut":
            return data[:at]
        case "insert":
            return data[:at] + bytes([byte]) * (value % 7 + 1) + data[at:]
        case "delete":
            return data[:at] + data[at + 1 + byte :]
        case _:
            return data[:at] + data[value % (len(data) + 1) :][:64] + data[at:]


def _mutate_sections(data: bytes, kind: str, place: int, value: int) -> bytes:
    """Change whole sections, or numbers in them, so that all around them is still right."""
    try:
        sections = split(data)
    except IndexError:
        return data  # something else has broken it
    if not sections:
        return data
    at, other = place % len(sections), value % len(sections)
    number, content = sections[at]
    forged = FORGED[value % len(FORGED)]
    match kind:
        case "swap":
            sections[at], sections[other] = sections[other], sections[at]
        case "double":
            sections.insert(other, sections[at])
        case "drop":
            del sections[at]
        case "size":
            before = join(sections[:at])
            return before + bytes([number]) + forged + content + join(sections[at + 1 :])[len(HEADER) :]
        case "count":
            rest = content[number_at(content, 0)[1] :] if content and any(byte < 0x80 for byte in content) else b""
            sections[at] = number, (leb(value) if value % 3 else forged) + rest
        case "forge":
            inside = (place // 64) % (len(content) + 1)
            sections[at] = number, content[:inside] + forged + content[inside + 1 :]
        case "custom":
            sections.insert(at, (0, b"".join(CUSTOM[value % len(CUSTOM)])))
        case _:
            sections[at] = number, content + bytes([value & 0xFF]) * (value % 9)
    return join(sections)


NAMES = (
    "../evil", "/evil", "pkg/../../evil", "C:evil", "..\\evil", "pkg\\..\\evil", "evil\x00.py", "PKG/DATA.TXT", "pkg",
    "pkg/data.txt/x", "./x", "a//b", "pkg/", "x" * 300, "é", "e\u0301", "\u202eevil", "demo-1.0.data/purelib/../../evil",
    "demo-1.0.data/scripts/../../../evil", "demo-1.0.data/data/pkg/data.txt", "demo-1.0.data/headers//evil",
    "demo-1.0.dist-info/../evil", "demo-1.0.dist-info/entry_points.txt", "other-1.0.dist-info/RECORD", "evil.so", "evil.so.1",
    ".hatch-wasi-x/evil", "demo-1.0.data/scripts/evil", "__pycache__/pkg.cpython-313.pyc", "pkg/__pycache__",
)  # fmt: skip
LINES = (
    "Requires-Python: " + "(" * 3000, "Requires-Python: >=" + "9" * 5000, "Requires-Python: ~=3", "Requires-Python: <4,>=3",
    "Requires-Dist: x; " + "(" * 3000 + "a", "Requires-Dist: x; os_name == 'posix'", "Requires-Dist: x[" + "a," * 3000,
    "Requires-Dist: x; extra == 1", "Requires-Dist: x>=" + "1." * 3000, "Requires-Dist: x @ file:///etc/passwd",
    "Requires-Dist: x; python_version > 'soon'", "Version: 2.0", "Version: " + "9" * 5000, "Name: other", "Name: \xe4",
    "Name: =?utf-8?b?/w==?=", "Tag: py3-none-any", "Tag: cp313-cp313-wasi_wasm32", "Tag: cp312-cp312-linux_x86_64",
    "Tag: " + "-".join([".".join("abcdefghij" * 30)] * 3), "Tag: -", "Wheel-Version: 9", "Wheel-Version: 1.9",
    "Root-Is-Purelib: maybe", " continued", "\tcontinued", "no header", "", "\x00", ": x",
)  # fmt: skip
ENTRY_POINTS = (
    "[console_scripts]\n../evil = a:b\n", "[console_scripts]\n/evil = a:b\n", "[console_scripts]\nx = a:b\nx = a:b\n",
    "[console_scripts]\nx = %(x)s\n", "[console_scripts]\npkg = a:b\n", "[x", "[console_scripts]\nRECORD = a:b\n",
)  # fmt: skip
RECORDS = (
    "row", "pkg/data.txt,,", "pkg/data.txt,sha256=x,", "../evil,sha256=x,1", '"', "a,b", "a,md5=x,1", "\x00,,", "a,sha256=,-1",
    "demo-1.0.dist-info/RECORD,sha256=x,1", "pkg/data.txt,sha256=x," + "9" * 5000, "," * 2000,
)  # fmt: skip
FILE_NAMES = (
    "demo-1.0-py3-none-any.whl", "demo-1.0-cp313-cp313-wasi_wasm32.whl", "demo-1.0-cp99999999999-abi3-wasi_wasm32.whl",
    "demo-1.0-cp3-abi3-wasi_wasm32.whl", "demo-1.0-1-py3-none-any.whl", "DEMO-1.0-py3-none-any.whl", "demo-1-py3-none-any.whl",
    "demo-1.0-py3-none-any.zip", "demo-1.0.whl", "demo-1!1.0-py3-none-any.whl",
    f"demo-1.0-{'.'.join('abcdefgh')}-{'.'.join('abcdefgh')}-{'.'.join('abcdefgh' * 4)}.whl",
)  # fmt: skip
MODES = (stat.S_IFLNK | 0o777, stat.S_IFIFO, stat.S_IFDIR | 0o755, stat.S_IFREG | 0o6777, stat.S_IFREG, 0xFFFF)
WHEEL_KINDS = (
    "name", "again", "mode", "metadata", "wheel", "record", "unrecorded", "entry points", "file name", "central", "end", "local",
    *MODULE_KINDS[:6],
)  # fmt: skip


def wheel_mutations() -> st.SearchStrategy[list[Mutation]]:
    return st.lists(st.tuples(st.sampled_from(WHEEL_KINDS), PLACES, VALUES), min_size=1, max_size=3)


def write_wheel(folder: Path, files: Mapping[str, bytes], mutations: list[Mutation]) -> Path:
    """Write the wheel demo 1.0 of `files`, changed: what it says first, then how it is packed, then its bytes."""
    name = FILE_NAMES[1]
    content: dict[str, bytes] = {**files, **{k: v.encode() for k, v in metadata("demo", "1.0", name[9:-4]).items()}}
    modes: dict[str, int] = {}
    again: list[str] = []
    rows: list[str] = []
    left_out = ""
    for kind, place, value in mutations:
        chosen = sorted(content)[place % len(content)]
        match kind:
            case "name":
                new = NAMES[value % len(NAMES)]
                content[new] = content.pop(chosen) if place % 2 else content[chosen]
            case "again":
                again.append(chosen)
            case "mode":
                modes[chosen] = MODES[value % len(MODES)]
            case "metadata" | "wheel":
                file = f"demo-1.0.dist-info/{kind.upper()}"
                line = LINES[value % len(LINES)].encode()
                old = content.get(file, b"")
                content[file] = {0: line + b"\n" + old, 1: old + line + b"\n", 2: line}[place % 3]
            case "record":
                rows.append(RECORDS[value % len(RECORDS)])
            case "unrecorded":
                left_out = chosen
            case "entry points":
                content["demo-1.0.dist-info/entry_points.txt"] = ENTRY_POINTS[value % len(ENTRY_POINTS)].encode()
            case "file name":
                name = FILE_NAMES[value % len(FILE_NAMES)]
    rows += [f'"{member}",{record_hash(data)},{len(data)}' for member, data in content.items() if member != left_out]
    content["demo-1.0.dist-info/RECORD"] = "\n".join([*rows, "demo-1.0.dist-info/RECORD,,", ""]).encode()
    path = folder / name
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of duplicates
        for member in [*content, *(member for member in again if member in content)]:
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = member
            info.create_system, info.external_attr = 3, (modes.get(member, stat.S_IFREG | 0o644) & 0xFFFF) << 16
            archive.writestr(info, content[member], zipfile.ZIP_DEFLATED if len(member) % 2 else zipfile.ZIP_STORED)
    data = path.read_bytes()
    for kind, place, value in mutations:
        data = _mutate_archive(data, kind, place, value)
    path.write_bytes(data)
    return path


HEADERS = {"central": (b"PK\1\2", 46), "local": (b"PK\3\4", 30), "end": (b"PK\5\6", 22)}


def _mutate_archive(data: bytes, kind: str, place: int, value: int) -> bytes:
    if kind in MODULE_KINDS:
        return _mutate_bytes(data, kind, place, value)
    if kind not in HEADERS:
        return data
    magic, size = HEADERS[kind]
    starts = [found.start() for found in re.finditer(re.escape(magic), data)]
    if not starts:
        return data
    # Fields are of 2 or 4 bytes.
    at = starts[place % len(starts)] + 4 + 2 * ((place >> 8) % (size // 2 - 2))
    field = struct.pack("<L", value)[: 4 if value % 2 else 2]
    return data[:at] + field + data[at + len(field) :]


def fingerprint(folder: Path) -> dict[str, str]:
    """Everything below a folder: kinds, modes, contents."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = b"" if not stat.S_ISREG(status.st_mode) else path.read_bytes()
        link = str(path.readlink()) if path.is_symlink() else ""
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        found[str(path.relative_to(folder))] = f"{status.st_mode:o} {digest} {link}"
    return found
