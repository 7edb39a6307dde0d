import array
import gc
import importlib.util
import struct
import weakref

from craft import _calls, _grid, _nodes

# Cycles of C objects are found and freed, subclasses too.
gc.collect()
class Sub(_nodes.Node):
    pass

before = _nodes.alive()
a, b = _nodes.Node(), Sub()
a.next, b.next = b, a
seen = weakref.ref(a)
assert _nodes.alive() == before + 2
del a, b
gc.collect()
assert seen() is None and _nodes.alive() == before, (seen(), _nodes.alive())

# A module's state is its own: a second instance of the module has other types.
spec = importlib.util.spec_from_file_location("craft._nodes", _nodes.__file__)
second = importlib.util.module_from_spec(spec)
spec.loader.exec_module(second)
assert second.Node is not _nodes.Node and second.NodeError is not _nodes.NodeError
keep = second.Node()
assert (second.alive(), _nodes.alive()) == (1, before)
try:
    second.Node().fail(1, 2)
except second.NodeError as error:
    assert isinstance(error, LookupError) and str(error) == "2 arguments to a craft._nodes.Node", error
else:
    raise AssertionError("nothing was raised")

# Buffers, given and taken.
grid = _grid.Grid()
with memoryview(grid) as view:
    assert (view.format, view.shape, view.tolist()) == ("d", (2, 3), [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]])
    assert grid.exports() == 1
    view[1, 2] = 8.25
assert grid.exports() == 0
assert bytes(grid) == struct.pack("6d", 0.5, 1.5, 2.5, 3.5, 4.5, 8.25)
assert _grid.total(array.array("H", [1, 2, 258])) == 1 + 2 + 1 + 2
try:
    _grid.total("text")
except TypeError as error:
    assert "bytes-like" in str(error), error
else:
    raise AssertionError("nothing was raised")

# Into Python and back.
assert _calls.apply(lambda *values: sum(values), (1, 2, 3)) == 6
assert _calls.apply(_calls.apply, (_calls.apply, (str, (5,)))) == "5"
try:
    _calls.apply(lambda: 1 / 0, ())
except ZeroDivisionError as error:
    assert error.__traceback__ is not None
else:
    raise AssertionError("nothing was raised")
try:
    _calls.translate(lambda: {}["x"])
except ValueError as error:
    assert isinstance(error.__cause__, KeyError), error.__cause__
else:
    raise AssertionError("nothing was raised")
words = ["pear", "fig", "apple", "kiwi", "banana"]
assert _calls.sorted_by(words, lambda x, y: len(x) * 100 + ord(x[0]) - len(y) * 100 - ord(y[0])) == [
    "fig", "kiwi", "pear", "apple", "banana",
]
try:
    _calls.sorted_by(words, lambda x, y: x < None)
except TypeError:
    pass
else:
    raise AssertionError("nothing was raised")
print("ok")
