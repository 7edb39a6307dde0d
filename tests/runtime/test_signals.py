"""The words through which SIGINT gets into the guest, and what it may have written there."""

import struct

import pytest
import wasmtime

from hatch_wasi.runtime.capi import Api, find_library
from hatch_wasi.runtime.engine import Engine
from hatch_wasi.runtime.guest import Guest
from hatch_wasi.runtime.signals import Signals
from hatch_wasi.runtime.space import Space

SIZE = 1 << 16
WORDS, TRIPPED, SIGINT, HANDLER, MAIN_STATE, STATE = 1024, 1992, 2004, 2008, 2012, 4096
BREAKER, PENDING = 24, 2
MAIN = f"""(module
    (memory (export "memory") 1) (table (export "__indirect_function_table") 1 funcref)
    (global (export "__stack_pointer") (mut i32) (i32.const 512))
    (global (export "hatch_wasi_signals") i32 (i32.const {WORDS}))
    (func (export "malloc") (param i32) (result i32) (i32.const 0)) (func (export "free") (param i32)))"""


@pytest.fixture
def space() -> Space:
    engine = Engine(Api(find_library()[0]))
    return Space(engine, engine.instantiate_with(engine.compile(bytes(wasmtime.wat2wasm(MAIN))), []))


def signals(space: Space, *, version: int = 1, tripped: int = TRIPPED, sigint: int = SIGINT,
            main_state: int = MAIN_STATE, breaker: int = BREAKER) -> Signals:  # fmt: skip
    put(space, HANDLER, 3000)
    space.write(WORDS, struct.pack("<7I", version, 28, tripped, sigint, main_state, breaker, PENDING))
    return Signals(space)


def word(space: Space, address: int) -> int:
    return int.from_bytes(space.read(address, 4), "little")


def put(space: Space, address: int, value: int) -> None:
    space.write(address, value.to_bytes(4, "little"))


def test_an_interrupt_is_stored_as_cpython_stores_it(space):
    found = signals(space)
    put(space, MAIN_STATE, STATE)
    put(space, STATE + BREAKER, 0x100)
    assert found.interrupt()
    assert [word(space, address) for address in (TRIPPED, SIGINT, STATE + BREAKER)] == [1, 1, 0x100 | PENDING]
    assert not found.interrupt()


def test_a_guest_that_has_not_begun_is_not_interrupted(space):
    found = signals(space)
    assert not found.interrupt()
    assert [word(space, address) for address in (TRIPPED, SIGINT)] == [0, 0]


def test_a_guest_without_handlers_is_not_interrupted(space):
    """CPython drops a signal that arrives before it has set its handlers."""
    found = signals(space)
    put(space, MAIN_STATE, STATE)
    put(space, HANDLER, 0)
    assert not found.interrupt()
    assert [word(space, address) for address in (TRIPPED, SIGINT)] == [0, 0]
    put(space, HANDLER, 3000)
    put(space, TRIPPED + 4, 3000)  # SIG_DFL, until CPython sets its own
    assert not found.interrupt()
    put(space, HANDLER, 3004)
    assert found.interrupt()


BEYOND = [SIZE - 3, SIZE, SIZE + 1, 0x7FFFFFFF, 0xF0000000, 0xFFFFFFFC, 0xFFFFFFFF]


@pytest.mark.parametrize("address", [*BEYOND, SIZE - BREAKER - 3, SIZE - BREAKER])
def test_a_state_that_is_not_in_the_memory_is_not_written(space, address):
    """The guest may put anything there at any time."""
    found = signals(space)
    before = space.read(STATE, SIZE - STATE)
    put(space, MAIN_STATE, address)
    found.interrupt()
    found.poke()
    assert space.read(STATE, SIZE - STATE) == before


@pytest.mark.parametrize("field", ["tripped", "sigint", "main_state", "breaker"])
@pytest.mark.parametrize("address", BEYOND)
def test_words_that_are_not_in_the_memory_are_not_used(space, field, address):
    found = signals(space, **{field: address})
    put(space, MAIN_STATE, STATE)
    before = space.read(STATE, SIZE - STATE)
    found.interrupt()
    found.poke()
    assert space.read(STATE + BREAKER + 4, SIZE - STATE - BREAKER - 4) == before[BREAKER + 4 :]


def test_the_last_word_of_the_memory_is_used(space):
    found = signals(space, breaker=SIZE - 4 - STATE)
    put(space, MAIN_STATE, STATE)
    assert found.interrupt()
    assert word(space, SIZE - 4) == PENDING


def test_another_version_of_the_struct_is_not_used(space):
    found = signals(space, version=2)
    put(space, MAIN_STATE, STATE)
    assert not found.interrupt()
    assert word(space, SIGINT) == 0


def test_the_guest_changes_the_words_while_it_runs(guest):
    code = """
import ctypes, time
names = 'version', 'size', 'is_tripped', 'sigint', 'main_tstate', 'eval_breaker', 'pending'
class Words(ctypes.Structure): _fields_ = [(name, ctypes.c_uint32) for name in names]
words = Words.in_dll(ctypes.CDLL(None), 'hatch_wasi_signals')
state = ctypes.c_uint32.from_address(words.main_tstate)
kept = state.value
ctypes.c_uint32.from_address(words.sigint).value = 1
# The host looks twice a second.
for address in (0xF0000000, 0xFFFFFFFF):
    state.value = address
    time.sleep(0.7)
state.value = kept
print('survived')
"""
    done = guest("-c", code)
    assert done.returncode in {0, 1, 134}, done.stderr
    assert (
        "error: the guest crashed" in done.stderr or done.stdout == "survived\n" or "KeyboardInterrupt" in done.stderr
    )


def test_a_guest_that_has_ended_is_not_interrupted(space):
    guest = Guest(space.engine, 0, lambda *_: pytest.fail("no loader is needed"))
    guest._signals = signals(space)
    put(space, MAIN_STATE, STATE)
    guest._is_over = True
    assert not guest.interrupt()
    assert [word(space, address) for address in (TRIPPED, SIGINT)] == [0, 0]
