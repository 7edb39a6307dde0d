"""Work for packages with C inside, timed by the interpreter that runs it; prints {name: seconds} as JSON.

Run by packages.py in two interpreters; `packages_suite.py REPEAT PACKAGE…` gives the fastest of REPEAT runs of each
kernel. A kernel is work in C: what Python does beside it is little.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

Kernels = Iterator[tuple[str, Callable[[], object]]]


def data() -> list[dict[str, Any]]:
    """Give records as programs exchange them."""
    return [
        {"id": index, "name": f"user {index}", "score": index / 7, "tags": ["a", "bc", "déf"], "on": index % 2 == 0}
        for index in range(3000)
    ]


def msgpack() -> Kernels:
    """Cython, C++ in its beginnings."""
    import msgpack

    records = data()
    packed = msgpack.packb(records)
    yield "packb", lambda: msgpack.packb(records)
    yield "unpackb", lambda: msgpack.unpackb(packed)


def ujson() -> Kernels:
    """C and C++ (double-conversion)."""
    import ujson

    records = data()
    text = ujson.dumps(records)
    floats = [index / 7 for index in range(20_000)]
    yield "dumps", lambda: ujson.dumps(records)
    yield "loads", lambda: ujson.loads(text)
    yield "dumps floats", lambda: ujson.dumps(floats)


def regex() -> Kernels:
    """C: an interpreter of patterns, full of branches."""
    import regex

    text = "user42@example.org, 2026-11-23, (12.5), nothing here; " * 800
    for name, pattern in (
        ("addresses", r"\w+@\w+\.\w+"),
        ("dates", r"(?<year>\d{4})-\d\d-\d\d"),
        ("alternatives", r"(?:nothing|everything|some|12)\S*"),
        ("fuzzy", r"(?:exemple){e<=1}"),
    ):
        compiled = regex.compile(pattern)
        yield f"findall {name}", lambda compiled=compiled: compiled.findall(text)  # type: ignore[misc]


def numpy() -> Kernels:
    """C and C++; natively with instructions for the machine, and OpenBLAS."""
    import numpy as np

    random = np.random.default_rng(1)
    floats = random.random(200_000)
    others = random.random(200_000)
    matrix = random.random((120, 120))
    integers = random.integers(0, 1000, 200_000)
    text = np.array([f"{index:06}" for index in range(20_000)])
    yield "add", lambda: floats + others
    yield "sum", floats.sum
    yield "sum of strided", floats[::3].sum
    yield "sqrt", lambda: np.sqrt(floats)
    yield "exp", lambda: np.exp(floats)
    yield "compare, select", lambda: floats[floats > 0.5]
    yield "take", lambda: floats[integers]
    yield "copy", floats.copy
    yield "int64 to float32", lambda: integers.astype(np.float32)
    yield "sort", lambda: np.sort(floats)
    yield "argsort, stable", lambda: np.argsort(integers, kind="stable")
    yield "cumsum", floats.cumsum
    yield "bincount", lambda: np.bincount(integers)
    yield "fft", lambda: np.fft.fft(floats[:65536])
    yield "random normal", lambda: random.standard_normal(50_000)
    yield "matrix product", lambda: matrix @ matrix
    yield "solve", lambda: np.linalg.solve(matrix, matrix)
    yield "svd", lambda: np.linalg.svd(matrix)
    yield "text: upper", lambda: np.strings.upper(text)
    yield "small arrays", lambda: [np.add(floats[:4], 1.0) for _ in range(2000)]


PACKAGES: dict[str, Callable[[], Kernels]] = {"msgpack": msgpack, "ujson": ujson, "regex": regex, "numpy": numpy}


def fastest(work: Callable[[], object], repeat: int) -> float:
    """Give the shortest time of `repeat` runs, after one for nothing."""
    work()
    runs = []
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        runs.append(time.perf_counter() - began)
    return min(runs)


def main() -> None:
    """Time each, and print."""
    repeat = int(sys.argv[1])
    names = sys.argv[2:]
    times = {f"{name}: {kernel}": fastest(work, repeat) for name in names for kernel, work in PACKAGES[name]()}
    print(json.dumps(times))


if __name__ == "__main__":
    main()
