"""Run on WASI: prints each slot of Python's own types whose function is of another type than CPython calls it as."""

import sys

for name in sys.builtin_module_names:
    __import__(name)

import ctypes  # noqa: E402 - what is readied before python.wasm loads anything does not get fitting functions

dl = (ctypes.c_uint32 * 12).in_dll(ctypes.pythonapi, "hatch_wasi_dl")
arities = (ctypes.c_ubyte * dl[6]).from_address(dl[5])
WORD = ctypes.c_uint32

# Words of PyTypeObject: place, parameters, results.
TYPE = {
    "dealloc": (6, 1, 0), "getattr": (8, 2, 1), "setattr": (9, 3, 1), "repr": (11, 1, 1), "hash": (15, 1, 1),
    "call": (16, 3, 1), "str": (17, 1, 1), "getattro": (18, 2, 1), "setattro": (19, 3, 1), "traverse": (23, 3, 1),
    "clear": (24, 1, 1), "richcompare": (25, 3, 1), "iter": (27, 1, 1), "iternext": (28, 1, 1),
    "descr_get": (34, 3, 1), "descr_set": (35, 3, 1), "init": (37, 3, 1), "alloc": (38, 2, 1), "new": (39, 3, 1),
    "free": (40, 1, 0), "is_gc": (41, 1, 1),
}  # fmt: skip
# Parameters of each function of PyNumberMethods (nb_reserved is none) and its like, whose place is another word.
PROTOCOLS = {
    12: (2, 2, 2, 2, 2, 3, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 1, 0, 1, 2, 2, 2, 2, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 2, 2),
    13: (1, 2, 2, 2, 0, 3, 0, 2, 2, 2),
    14: (1, 2, 3),
}


def look(kind, what, slot, arity):
    if slot and slot < len(arities) and arities[slot] != arity:
        sys.stdout.write(f"{kind}: {what} {arities[slot]:#x} instead of {arity:#x}\n")


seen = {}


def walk(kind):
    for found in type.__subclasses__(kind):
        if id(found) not in seen:
            seen[id(found)] = found
            walk(found)


walk(object)
for address, kind in seen.items():
    words = (WORD * 52).from_address(address)
    for name, (place, parameters, results) in TYPE.items():
        look(kind, name, words[place], parameters | results << 4)
    for place, protocol in PROTOCOLS.items():
        if words[place]:
            for index, slot in enumerate((WORD * len(protocol)).from_address(words[place])):
                if protocol[index]:
                    look(kind, (place, index), slot, protocol[index] | 1 << 4)
sys.stdout.write(f"{len(seen) > 500}\n")
