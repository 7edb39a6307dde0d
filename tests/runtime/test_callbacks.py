"""Functions that an extension hands over to CPython or libc, and whose type is not the one that they are called as."""

import pytest


@pytest.fixture
def callbacks(build, answer):
    """Evaluate an expression about the module `callbacks`, imported as `c`."""
    build("callbacks")
    return lambda expression, before="": answer(expression, f"import callbacks as c\n{before}")


CAPSULE, PENDING, TRACE, PROFILE, AUDIT, DICT, TYPE, CODE, FUNCTION, VISIT, ONCE, CREATE, EXECUTE = range(13)


def test_destructors_of_capsules(callbacks):
    before = "for _ in range(100): c.capsule(); c.set_destructor()"
    assert callbacks(f"c.count({CAPSULE})", before) == 200


def test_slots_of_a_module_definition(callbacks):
    assert callbacks(f"[c.count({CREATE}), c.count({EXECUTE})]") == [1, 1]


def test_pending_calls(callbacks):
    assert callbacks(f"[c.pending(), c.count({PENDING})]") == [0, 3]


def test_trace_and_profile_functions(callbacks):
    assert callbacks(f"[c.count({TRACE}) > 0, c.count({PROFILE}) > 0]", "c.traced()") == [True, True]


def test_watchers_and_audit_hooks(callbacks):
    before = (
        "class Watched: pass\n"
        "watched = {}\n"
        "c.watch(watched, Watched)\n"
        "watched['x'] = 1\n"
        "Watched.x = 1\n"
        "exec('def made(): pass')\n"
    )
    counts = callbacks(f"[c.count(kind) for kind in ({AUDIT}, {DICT}, {TYPE}, {CODE}, {FUNCTION})]", before)
    assert counts[1] == 1
    assert all(counts)


def test_visitors_of_the_garbage_collector(callbacks):
    assert callbacks(f"c.count({VISIT})", "c.visited()") >= 5


def test_callbacks_of_libc(callbacks):
    assert callbacks(f"[*c.libc(), *c.libc(), c.count({ONCE})]") == [1, 9, 3, 1, 9, 3, 1]


def test_memory_allocators(callbacks):
    assert callbacks("c.allocator()") is True


def test_functions_of_the_fast_call(callbacks):
    before = "Fast = c.fast_type()\nmade = c.fast_object(Fast)"
    expression = "[c.fast(), c.names(1, 2, x=3), made.fast(4), Fast.fast(made), made.names(5, y=6), Fast(1, 2)]"
    assert callbacks(expression, before) == [7, 2, 7, 7, 1, 11]


def test_what_is_called_at_exit(build, python):
    build("callbacks")
    done = python("import callbacks; callbacks.leave()")
    assert (done.returncode, done.stdout.splitlines()) == (0, ["at the interpreter's end", "at exit"])
