"""Modules that are made for types of functions: run by wasmtime, on a table of functions that it compiled from text."""

import struct
from itertools import product

import pytest
from wasmtime import (
    Engine,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Memory,
    MemoryType,
    Module,
    Store,
    Table,
    TableType,
    Val,
    ValType,
    wat2wasm,
)

from hatch_wasi.runtime.typed import call_module, closure_module, copy_module

KINDS = {0x7F: ("i32", "<i", -5), 0x7E: ("i64", "<q", -(1 << 40)), 0x7D: ("f32", "<f", 0.5), 0x7C: ("f64", "<d", 0.1)}
TYPES = [
    (bytes(parameters), bytes(results))
    for count in (0, 1, 2, 5)
    for parameters in list(product(KINDS, repeat=count))[:: max(count**3, 1)]
    for results in ([], [0x7F], [0x7E], [0x7D], [0x7C])
]


class World:
    """A store with what the modules import."""

    def __init__(self) -> None:
        self.store = Store(Engine())
        self.memory = Memory(self.store, MemoryType(Limits(1, None)))
        self.table = Table(self.store, TableType(ValType.funcref(), Limits(64, None)), Val.funcref(None))
        self.stack = Global(self.store, GlobalType(ValType.i32(), True), Val.i32(4096))

    def make(self, code: bytes, *imports: object) -> Instance:
        return Instance(self.store, Module(self.store.engine, code), list(imports))

    def echo(self, parameters: bytes, results: bytes) -> Func:
        """Make a function that gives the first of its arguments that is of its result's type, or a constant."""
        text = " ".join(KINDS[kind][0] for kind in parameters)
        result = "".join(KINDS[kind][0] for kind in results)
        body = ""
        if results:
            same = parameters.find(results)
            body = f"local.get {same}" if same >= 0 else f"{result}.const 7"
        source = f'(module (func (export "f") (param {text}) (result {result}) {body}))'
        return self.make(bytes(wat2wasm(source))).exports(self.store)["f"]

    def write(self, address: int, kinds: bytes) -> None:
        for index, kind in enumerate(kinds):
            data = struct.pack(KINDS[kind][1], KINDS[kind][2])
            self.memory.write(self.store, data, address + 8 * index)

    def read(self, address: int, kind: int) -> float:
        data = bytes(self.memory.read(self.store, address, address + struct.calcsize(KINDS[kind][1])))
        return struct.unpack(KINDS[kind][1], data)[0]


@pytest.mark.parametrize(("parameters", "results"), TYPES)
def test_a_call_passes_arguments_and_result(parameters, results):
    world = World()
    world.table.set(world.store, 3, world.echo(parameters, results))
    call = world.make(call_module(parameters, results), world.table, world.memory).exports(world.store)["f"]
    world.write(64, parameters)
    assert call(world.store, 3, 64, 32) == 1
    if results:
        kind = results[0]
        expected = KINDS[kind][2] if results in parameters else 7
        assert world.read(32, kind) == pytest.approx(expected)


@pytest.mark.parametrize("slot", [0, 2, 63, 64, 0x7FFFFFFF, -1])
def test_a_call_of_nothing_or_of_another_type_is_refused(slot):
    world = World()
    world.table.set(world.store, 2, world.echo(b"\x7f\x7f", b"\x7f"))
    call = world.make(call_module(b"\x7f", b"\x7f"), world.table, world.memory).exports(world.store)["f"]
    assert call(world.store, slot, 64, 32) == 0


@pytest.mark.parametrize(("parameters", "results"), TYPES)
def test_closures_hand_over_their_arguments(parameters, results):
    world = World()
    seen = []

    def handle(value, arguments, result):
        seen.append((value, arguments, [world.read(arguments + 8 * at, kind) for at, kind in enumerate(parameters)]))
        world.write(result, results)

    types = [ValType.i32()] * 3
    world.table.set(world.store, 1, Func(world.store, FuncType(types, []), handle))
    values = [0, 0x7FFFFFF0, 0xFFFFFFF0]
    world.make(closure_module(parameters, results, 1, values, 50), world.table, world.memory, world.stack)
    given = [KINDS[kind][2] for kind in parameters]
    for index, value in enumerate(values):
        answer = world.table.get(world.store, 50 + index)(world.store, *given)
        assert answer == (pytest.approx(KINDS[results[0]][2]) if results else None)
        assert seen[-1][0] & 0xFFFFFFFF == value
        assert seen[-1][1] % 16 == 0
        assert seen[-1][2] == pytest.approx(given)
    assert world.stack.value(world.store) == 4096


def test_a_slot_is_copied():
    world = World()
    function = world.echo(b"\x7f", b"\x7f")
    world.table.set(world.store, 5, function)
    copy = world.make(copy_module(), world.table).exports(world.store)["f"]
    copy(world.store, 6, 5)
    assert world.table.get(world.store, 6)(world.store, 9) == 9
    copy(world.store, 6, 7)
    assert not isinstance(world.table.get(world.store, 6), Func)


def test_as_many_parameters_as_there_may_be():
    world = World()
    world.make(call_module(b"\x7f" * 1000, b""), world.table, world.memory)
    world.make(closure_module(b"\x7e" * 1000, b"\x7c", 1, [0] * 3, 8), world.table, world.memory, world.stack)
