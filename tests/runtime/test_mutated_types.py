"""Side modules with sections that are put together at random: any types, imports, exports, elements and tags.

The guest loads each and calls what it exports. Whatever comes of it, the host goes on and loads a good one at last.
"""

import json
import random

import pytest
from handmade import dylink, leb, name, section, side_module

KINDS = [0x7F] * 8 + [0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F, 0x69]
"""Value types: i32 mostly, then i64, f32, f64, v128, funcref, externref and exnref."""
CONSTANTS = {
    0x7F: b"\x41\0", 0x7E: b"\x42\0", 0x7D: b"\x43" + bytes(4), 0x7C: b"\x44" + bytes(8), 0x7B: b"\xfd\x0c" + bytes(16),
    0x70: b"\xd0\x70", 0x6F: b"\xd0\x6f", 0x69: b"\xd0\x69",
}  # fmt: skip
HOST_CALLS = [
    "hatch_wasi_describe_exception", "__wasm_call_ctors", "_initialize", "__wasm_apply_data_relocs", "PyInit_it", "malloc",
    "free", "memory", "__stack_pointer", "__indirect_function_table", "__cpp_exception", "f",
]  # fmt: skip
IMPORTED = [
    "malloc", "free", "dlopen", "chdir", "PyErr_SetString", "PyExc_ImportError", "hatch_wasi_dl", "hatch_wasi_signals",
    "memory", "__stack_pointer", "__memory_base", "__table_base", "__indirect_function_table", "__cpp_exception", "f",
]  # fmt: skip
PER_GUEST = 120


class Maker:
    """Makes modules, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._types: list[tuple[bytes, bytes]] = []
        self._functions: list[int] = []

    def _some(self, least: int, most: int) -> range:
        return range(self._random.randint(least, most))

    def _values(self) -> bytes:
        return bytes(self._random.choice(KINDS) for _ in self._some(0, self._random.choice([0, 1, 3, 40])))

    def _vector(self, items: list[bytes]) -> bytes:
        return leb(len(items)) + b"".join(items)

    def _import(self) -> bytes:
        choose = self._random.choice
        space, item, kind = choose(["env", "GOT.mem", "GOT.func"]), choose(IMPORTED), choose([0, 0, 0, 1, 2, 3, 3, 4])
        number = self._random.randrange(len(self._types))
        plain = choose([n for n, (_, given) in enumerate(self._types) if not given])
        content = {
            0: leb(number),
            1: bytes([choose([0x70, 0x70, 0x6F, 0x69]), choose([0, 0, 1, 4])]) + b"\0\1",
            2: bytes([choose([0, 0, 1, 3, 4])]) + b"\0\1",
            3: bytes([choose(KINDS), choose([0, 1])]),
            4: b"\0" + leb(plain),
        }[kind]
        if kind in {1, 2} and not content[-3] & 1:
            content = content[:-1]
        if kind == 0:
            self._functions.append(number)
        return name(space) + name(item) + bytes([kind]) + content

    def _body(self, number: int) -> bytes:
        results = self._types[number][1]
        code = b"\0" + b"".join(CONSTANTS[kind] for kind in results) + b"\x0b"
        return leb(len(code)) + code

    def module(self) -> bytes:
        choose, some = self._random.choice, self._some
        plain = [(b"", b""), (b"", b"\x7f"), (b"\x7f", b"\x7f"), (b"\x7f" * 3, b"")]
        self._types = [*plain, *((self._values(), self._values()) for _ in some(1, 6))]
        self._functions = []
        base = name("env") + name("__table_base") + b"\x03\x7f\0"
        table = name("env") + name("__indirect_function_table") + b"\x01\x70\0\1"
        imports = [base, table, *(self._import() for _ in some(0, choose([0, 0, 0, 1, 4])))]
        own = [self._random.randrange(len(self._types)) for _ in some(1, 8)]
        imported = len(self._functions)
        self._functions += own
        values = [choose(KINDS) for _ in some(0, 3)]
        tags = [choose([n for n, (_, given) in enumerate(self._types) if not given]) for _ in some(0, 2)]
        names = self._random.sample(HOST_CALLS, choose([1, 2, 4, len(HOST_CALLS)]))
        limits = {0: len(self._functions), 3: len(values), 4: len(tags)}
        exports = []
        for item in names:
            kind = choose([0, 0, 0, 3, 4])
            if limits[kind]:
                exports.append(name(item) + bytes([kind]) + leb(self._random.randrange(limits[kind])))
        slots = [leb(self._random.randrange(len(self._functions))) for _ in some(0, 4)]
        start = next((n for n, kind in enumerate(own, imported) if kind == 0), imported)
        sections = {
            1: [b"\x60" + leb(len(one)) + one + leb(len(other)) + other for one, other in self._types],
            2: imports,
            3: [leb(number) for number in own],
            13: [b"\0" + leb(number) for number in tags],
            6: [bytes([kind, choose([0, 1])]) + CONSTANTS[kind] + b"\x0b" for kind in values],
            7: exports,
            8: [leb(start)] if choose([0, 0, 0, 0, 1]) else [],
            9: [b"\0\x23\0\x0b" + self._vector(slots)] if slots and choose([0, 1]) else [],
            10: [self._body(number) for number in own],
        }
        parts = [
            section(kind, items[0] if kind == 8 else self._vector(items)) for kind, items in sections.items() if items
        ]
        return b"\0asm\1\0\0\0" + dylink(table=4) + b"".join(parts)


@pytest.mark.parametrize("seed", range(3))
def test_the_host_survives_modules_of_any_types(guest, tmp_path, seed):
    maker = Maker(seed)
    for number in range(PER_GUEST):
        (tmp_path / f"{number}.so").write_bytes(maker.module())
    (tmp_path / "good.so").write_bytes(side_module('(func (export "f") (result i32) (i32.const 7))'))
    code = f"""
import ctypes, json
results = []
for number in range({PER_GUEST}):
    try: library = ctypes.CDLL(f'./{{number}}.so')
    except OSError as error:
        results.append(str(error))
        continue
    results.append('loaded')
    for name in {HOST_CALLS}:
        try: getattr(library, name)
        except AttributeError: continue
        if name in ('f', '_initialize', 'PyInit_it'):
            try: getattr(library, name)(ctypes.c_float(1.5))
            except (ValueError, TypeError, OSError): pass
print(json.dumps([results, ctypes.CDLL('./good.so').f()]))
"""
    done = guest("-c", code)
    assert done.returncode == 0, done.stderr[-2000:]
    results, seven = json.loads(done.stdout)
    assert seven == 7
    assert not [text for text in results if "defect of hatch-wasi" in text]
    # It is worth little if nearly none gets as far as an instance.
    assert sum("malformed WebAssembly" in text or "not valid" in text for text in results) < PER_GUEST / 2
    assert results.count("loaded") > PER_GUEST / 8
