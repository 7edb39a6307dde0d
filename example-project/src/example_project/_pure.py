"""The edit distance in plain Python: what to run without a compiler, and what to read to understand the C."""


def distance(a: str, b: str, /) -> int:
    """Count the characters to insert, remove or replace to get from `a` to `b` (Levenshtein's distance)."""
    for text in (a, b):
        if not isinstance(text, str):
            message = f"distance() takes strings, not {type(text).__name__}"
            raise TypeError(message)
    # row[j] is the distance from what was read of a to b[:j] (Wagner and Fischer, 1974: one row is enough).
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(diagonal + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]
