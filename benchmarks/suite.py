"""Pure-Python work of many kinds, timed by the interpreter that runs it; prints {name: seconds} as JSON.

Run by interpreter.py in two interpreters; `suite.py REPEAT` gives the fastest of REPEAT runs of each.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator


class Vector:
    """An object with attributes, a property and operators."""

    def __init__(self, x: float, y: float) -> None:
        """Hold two numbers."""
        self.x = x
        self.y = y

    def __add__(self, other: "Vector") -> "Vector":
        return Vector(self.x + other.x, self.y + other.y)

    @property
    def norm(self) -> float:
        """Its length, squared."""
        return self.x * self.x + self.y * self.y


def objects() -> None:
    """Make and add small objects, read attributes and a property."""
    total = Vector(0.0, 0.0)
    for index in range(30_000):
        total = total + Vector(index, 1.0)
        if total.norm < 0:
            raise AssertionError


def floats() -> None:
    """Integrate the motion of two bodies."""
    x, y, u, v = 1.0, 0.0, 0.0, 1.0
    for _ in range(60_000):
        cube = (x * x + y * y) ** 1.5
        u -= x / cube * 0.001
        v -= y / cube * 0.001
        x += u * 0.001
        y += v * 0.001


def integers() -> None:
    """Count primes with a sieve and small-integer arithmetic."""
    size = 100_000
    sieve = bytearray([1]) * size
    for number in range(2, 317):
        if sieve[number]:
            for multiple in range(number * number, size, number):
                sieve[multiple] = 0


def calls() -> None:
    """Recurse: the 21st Fibonacci number, the slow way."""

    def fib(number: int) -> int:
        return number if number < 2 else fib(number - 1) + fib(number - 2)

    fib(21)


def dictionaries() -> None:
    """Count words."""
    counts: dict[str, int] = {}
    words = [f"w{index * 7919 % 1000}" for index in range(20_000)]
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def strings() -> None:
    """Format, split, join, replace and encode."""
    lines = [f"{index:05}:{index / 3:.3f}:{'x' * (index % 9)}" for index in range(5_000)]
    text = "\n".join(lines)
    fields = [line.split(":") for line in text.replace("x", "yz").splitlines()]
    ",".join(field[2].upper() for field in fields).encode()


def lists() -> None:
    """Slice, append, comprehend, zip; a matrix product of nested lists."""
    size = 40
    left = [[row * column % 7 for column in range(size)] for row in range(size)]
    right = [list(column) for column in zip(*left, strict=True)]
    [[sum(a * b for a, b in zip(row, column, strict=True)) for column in right] for row in left]


def sorting() -> None:
    """Sort with and without a key."""
    values = [index * 7919 % 50_021 for index in range(30_000)]
    sorted(values)
    sorted(values, key=lambda value: -value)


def generators() -> None:
    """Chain generators."""

    def numbers(count: int) -> Iterator[int]:
        yield from range(count)

    sum(value * 2 for value in (number + 1 for number in numbers(40_000)) if value % 3)


def exceptions() -> None:
    """Raise and catch through two frames."""

    def fail(index: int) -> None:
        raise KeyError(index)

    for index in range(10_000):
        try:  # noqa: SIM105 - the statement is what is measured
            fail(index)
        except KeyError:
            pass


def as_json() -> None:
    """Write and read JSON."""
    value = [{"id": index, "name": f"n{index}", "values": [index / 7, None, True]} for index in range(1_500)]
    json.loads(json.dumps(value))


def expressions() -> None:
    """Search by regular expressions."""
    text = "user42@example.org, 2026-11-23, (12.5), nothing here; " * 300
    for pattern in (r"\w+@\w+\.\w+", r"\d{4}-\d\d-\d\d", r"\((\d+\.\d+)\)", r"(a|b|c)*d"):
        re.findall(pattern, text)


def closures() -> None:
    """Call closures, lambdas and functions with keyword arguments."""

    def make(step: int) -> Callable[..., int]:
        return lambda value, *, scale=1: (value + step) * scale

    functions = [make(step) for step in range(10)]
    total = 0
    for index in range(3_000):
        for function in functions:
            total += function(index, scale=2)


SUITE = (
    objects, floats, integers, calls, dictionaries, strings, lists, sorting, generators, exceptions, as_json,
    expressions, closures,
)  # fmt: skip


def main() -> None:
    """Time each, and print."""
    repeat = int(sys.argv[1])
    times = {}
    for work in SUITE:
        work()
        runs = []
        for _ in range(repeat):
            began = time.perf_counter()
            work()
            runs.append(time.perf_counter() - began)
        times[work.__name__] = min(runs)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
