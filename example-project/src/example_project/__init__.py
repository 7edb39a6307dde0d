"""How far apart two words are, and which word you probably meant.

The distance is computed in C where the extension module is there, else in Python: same answers, other speed.
"""

from collections.abc import Iterable

try:
    from example_project._speedups import distance

    IMPLEMENTATION = "c"
except ImportError:
    from example_project._pure import distance

    IMPLEMENTATION = "python"

__all__ = ["IMPLEMENTATION", "closest", "distance"]
__version__ = "1.0.0"


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """Give the candidate nearest to `word`, the first of equals; None if all are mostly different from it."""
    best = min(candidates, key=lambda candidate: distance(word, candidate), default=None)
    if best is None or distance(word, best) * 2 > max(len(word), len(best)):
        return None
    return best
