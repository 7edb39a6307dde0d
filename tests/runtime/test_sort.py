"""qsort in python.wasm (cpython/guest/sort.c), called as extensions call it."""

import pytest

PROGRAM = """
import ctypes, random
libc = ctypes.CDLL("libc.so")
kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
libc.qsort.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, kind]
libc.qsort.restype = None
width = {width}
chance = random.Random(width)
calls = 0

def compare(left, right):
    global calls
    calls += 1
    left, right = (ctypes.string_at(address, 1) for address in (left, right))
    return (left > right) - (left < right)

for count in [*range(20), 63, 64, 65, 500]:
    # The first byte is the key; the rest tells equal ones apart.
    items = [bytes([chance.randrange(7)]) + index.to_bytes(2, "big") * 10 for index in range(count)]
    items = [item[:width] for item in items]
    buffer = ctypes.create_string_buffer(b"".join(items), count * width + 1)
    calls = 0
    libc.qsort(buffer, count, width, kind(compare))
    found = [buffer.raw[index * width : (index + 1) * width] for index in range(count)]
    assert found == sorted(items, key=lambda item: item[:1]), (count, found)
    assert calls <= 12 * count, (count, calls)
print("sorted")
"""


@pytest.mark.parametrize("width", [1, 3, 4, 8, 16, 20])
def test_it_sorts_and_keeps_the_order_of_what_is_equal(guest, width):
    done = guest("-c", PROGRAM.format(width=width))
    assert done.stdout == "sorted\n", done.stderr
