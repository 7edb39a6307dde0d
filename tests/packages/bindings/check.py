"""What a person may expect of two pybind11 modules; run with the wheel's contents on sys.path."""

from bindings import _shapes, _user


def raised(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


# Standard exceptions become Python's.
assert raised(_shapes.throw_standard, "out_of_range").startswith("IndexError: vector")
assert raised(_shapes.throw_standard, "bad_alloc").startswith("MemoryError: ")
assert raised(_shapes.throw_standard, "overflow") == "OverflowError: too much"
assert raised(_shapes.throw_standard, "system") == "RuntimeError: opening: No such file or directory"
assert raised(_shapes.throw_standard, "number") == "RuntimeError: Caught an unknown exception!"
assert raised(_shapes.Square, -1) == "ValueError: a side of -1.000000"
# The project's own too, from the module that registers it and from the other.
assert raised(_shapes.throw_standard, "lost") == "NoShape: lost"
assert issubclass(_shapes.NoShape, LookupError)
assert raised(_user.throw_shared) == "NoShape: thrown by the user"


# Python's pass through C++, and are caught there.
def fail(number):
    raise {20: KeyError, 21: ZeroDivisionError}[number](number)


assert _shapes.call(lambda number: number + 1) == "21"
assert _shapes.call(fail) == "caught 20"
assert raised(_shapes.call, lambda number: fail(21)) == "ZeroDivisionError: 21"
assert _user.call_thrower(_user.throw_shared) == "NoShape: thrown by the user"
assert _user.call_thrower(lambda: _shapes.throw_standard("there")) == "NoShape: there"
assert _user.flying() == 0

# Types cross modules.
square, circle = _shapes.Square(2), _user.Circle(1)
assert (_user.kind(square), _user.kind(circle)) == ("square", "circle")
assert _shapes.areas([square, circle, square]) == {"other": [3.0], "square": [4.0, 4.0]}
print("ok")
