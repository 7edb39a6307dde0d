"""Files of requirements, one a line, as pip reads them; options in them are for pip alone, and are refused."""

import re
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from hatch_wasi.errors import UsageError

__all__ = ["read"]

COMMENT = re.compile(r"(^|\s+)#.*$")
"""As pip has it (pip/_internal/req/req_file.py): a `#` within a word, as in a URL, begins none."""


def read(path: Path) -> list[Requirement]:
    """Read a constraints or requirements file. Raises `UsageError` naming the line that is neither."""
    try:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = COMMENT.sub("", line).partition(" --hash=")[0].strip()
        if not words:
            continue
        try:
            found.append(Requirement(words))
        except InvalidRequirement as error:
            message = f"{path}, line {number}: not a requirement: {words}"
            raise UsageError(message, hint="one requirement a line; give options on the command line") from error
    return found
