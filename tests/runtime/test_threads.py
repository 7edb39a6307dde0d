"""POSIX threads in the guest: locks keep their state, waits last until their deadline, and no thread can be started."""

import json
from collections.abc import Callable

import pytest

# Calls python.wasm's functions as an extension would, and names errors as errno.h does.
BEFORE = """
import ctypes, errno, json, time
libc = ctypes.CDLL(None, use_errno=True)
def made(size, *init):
    value = ctypes.create_string_buffer(size)
    if init:
        getattr(libc, init[0])(value, *init[1:])
    return value
def said(name, *arguments):
    code = getattr(libc, "pthread_" + name)(*arguments)
    return errno.errorcode.get(code, code)
def after(seconds, clock=time.time_ns):
    then = clock() + int(seconds * 1e9)
    return (ctypes.c_longlong * 2)(then // 10**9, then % 10**9)
def wait_by(name, clock):
    attributes = made(4, "pthread_condattr_init")
    libc.pthread_condattr_setclock(attributes, ctypes.byref(ctypes.c_char.in_dll(libc, name)))
    condition, deadline = made(48, "pthread_cond_init", attributes), after(0.1, clock)
    while not (answer := said("cond_timedwait", condition, made(24), deadline)):
        pass
    return [answer, clock() >= deadline[0] * 10**9 + deadline[1]]
def mutex(kind):
    attributes = made(4, "pthread_mutexattr_init")
    libc.pthread_mutexattr_settype(attributes, kind)
    return made(24, "pthread_mutex_init", attributes)
"""


@pytest.fixture
def answers(guest) -> Callable[[str], object]:
    """Give what the guest's list expression is, after `BEFORE`."""

    def ask(expression: str) -> object:
        done = guest("-c", f"{BEFORE}\nprint('\\n' + json.dumps({expression}))")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return ask


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (0, [0, "EBUSY", "EDEADLK", "ETIMEDOUT", 0, 0, 0]),  # normal
        (1, [0, 0, 0, 0, 0, 0, 0]),  # recursive: locked four times
        (2, [0, "EBUSY", "EDEADLK", "EDEADLK", 0, "EPERM", "EPERM"]),  # with checks
    ],
)
def test_mutex(answers, kind, expected):
    calls = ["mutex_lock", "mutex_trylock", "mutex_lock", "mutex_timedlock", *["mutex_unlock"] * 3]
    asked = f"(lambda m: [said(name, m, *[after(0.05)] * ('timed' in name)) for name in {calls!r}])(mutex({kind}))"
    assert answers(asked) == expected


def test_readers_and_a_writer_exclude_each_other(answers):
    calls = ["rdlock", "rdlock", "trywrlock", "wrlock", "unlock", "unlock", "unlock",
             "wrlock", "tryrdlock", "rdlock", "unlock"]  # fmt: skip
    expected = [0, 0, "EBUSY", "EDEADLK", 0, 0, "EPERM", 0, "EBUSY", "EDEADLK", 0]
    assert answers(f"(lambda lock: [said('rwlock_' + name, lock) for name in {calls!r}])(made(32))") == expected


def test_spinning_locks_and_barriers(answers):
    asked = "(lambda lock: [said('spin_' + name, lock) for name in ('lock', 'trylock', 'lock', 'unlock', 'trylock')])"
    assert answers(f"{asked}(made(4))") == [0, "EBUSY", "EDEADLK", 0, 0]
    barrier = "[said('barrier_wait', made(20, 'pthread_barrier_init', None, count)) for count in (1, 2)]"
    assert answers(barrier) == [-1, "EDEADLK"]  # PTHREAD_BARRIER_SERIAL_THREAD


@pytest.mark.parametrize(
    ("clock", "read"), [("_CLOCK_REALTIME", "time.time_ns"), ("_CLOCK_MONOTONIC", "time.monotonic_ns")]
)
def test_wait_for_a_condition_lasts_until_its_deadline(answers, clock, read):
    """The clock is that of the condition: by the other, the deadline would be past or years away."""
    assert answers(f"wait_by('{clock}', {read})") == ["ETIMEDOUT", True]


def test_what_is_no_time_is_refused(answers):
    late = "(ctypes.c_longlong * 2)(0, 10**9)"
    assert answers(f"said('cond_timedwait', made(48), made(24), {late})") == "EINVAL"


def test_attributes_are_kept(answers):
    code = """[
        (lambda a, v: [said('attr_setstacksize', a, 1), said('attr_setstacksize', a, 65536),
            said('attr_getstacksize', a, ctypes.byref(v)), v.value, said('attr_setdetachstate', a, 1),
            said('attr_getdetachstate', a, ctypes.byref(v)), v.value, said('attr_setdetachstate', a, 7),
            said('attr_getstack', a, ctypes.byref(v), ctypes.byref(v))]
        )(made(36, 'pthread_attr_init'), ctypes.c_int()),
        (lambda a, v: [said('mutexattr_setpshared', a, 1), said('mutexattr_settype', a, 2), said('mutexattr_settype', a, 3),
            said('mutexattr_gettype', a, ctypes.byref(v)), v.value,
            said('mutexattr_getpshared', a, ctypes.byref(v)), v.value,
            said('mutexattr_getrobust', a, ctypes.byref(v)), v.value]
        )(made(4, 'pthread_mutexattr_init'), ctypes.c_int()),
    ]"""
    assert answers(code) == [
        ["EINVAL", 0, 0, 65536, 0, 0, 1, "EINVAL", "EINVAL"],
        [0, 0, "EINVAL", 0, 2, 0, 1, 0, 0],
    ]


def test_no_thread_starts(answers):
    code = """[said('create', ctypes.byref(ctypes.c_int()), None, None, None), said('cancel', libc.pthread_self()),
        libc.pthread_equal(libc.pthread_self(), libc.thrd_current()), libc.pthread_self() != 0]"""
    assert answers(code) == ["EAGAIN", "ENOTSUP", 1, True]


def test_semaphores_count(answers):
    code = """(lambda s: [libc.sem_init(s, 0, 1), libc.sem_wait(s), libc.sem_trywait(s), libc.sem_timedwait(s, after(0.05)),
        errno.errorcode[ctypes.get_errno()], libc.sem_post(s), libc.sem_timedwait(s, after(0.05)),
        libc.sem_open(b'/name', 0)])(made(16))"""
    assert answers(code) == [0, 0, -1, -1, "ETIMEDOUT", 0, 0, 0]


def test_mutexes_and_conditions_of_c11(answers):
    code = """(lambda m, r, c: [libc.mtx_init(m, 0), libc.mtx_init(r, 1), libc.cnd_init(c), libc.mtx_lock(m),
        libc.mtx_trylock(m), libc.mtx_lock(m), libc.mtx_lock(r), libc.mtx_lock(r), libc.mtx_unlock(m), libc.mtx_unlock(m),
        libc.cnd_timedwait(c, m, after(0)), libc.cnd_signal(c)])(made(24), made(24), made(48))"""
    busy, error, timed_out = 1, 2, 4
    assert answers(code) == [0, 0, 0, 0, busy, error, 0, 0, 0, 0, timed_out, 0]


def test_pythons_locks(guest):
    code = """
import threading, queue
lock, again = threading.Lock(), threading.RLock()
print(lock.acquire(), lock.acquire(blocking=False), lock.acquire(timeout=0.05), lock.locked())
lock.release()
print(lock.acquire(timeout=0.05), again.acquire(), again.acquire(), threading.get_ident() != 0)
print(threading.Event().wait(0.05), threading.Semaphore(0).acquire(timeout=0.05))
condition = threading.Condition()
with condition: print(condition.wait(0.05))
try: queue.Queue().get(timeout=0.05)
except queue.Empty: print("empty")
try: threading.Thread(target=print).start()
except RuntimeError: print("no thread")
"""
    done = guest("-c", code)
    assert done.stdout.splitlines() == [
        "True False False True",
        "True True True True",
        "False False",
        "False",
        "empty",
        "no thread",
    ], done.stderr
