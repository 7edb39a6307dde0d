"""What a wheel gives away of the machine and the person that built it."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Scan", "environment_secrets", "host_paths"]

# Folders of persons, and those that build services and build tools work in.
ANCHORS = (
    b"/home/", b"/Users/", b"/root/", b"/tmp/", b"/private/var/", b"/var/folders/", b"/github/", b"/builds/",
    b"/builddir/", b"/workspace/", b":\\Users\\",
)  # fmt: skip
HOST_PATHS = re.compile(
    rb"/(?:home|Users)/[\w.+-]+/[\w.+/-]+|/root/[\w.+/-]+|/tmp/[\w.+-]+/[\w.+/-]+|/private/var/[\w.+/-]+"
    rb"|/var/folders/[\w.+/-]+|/github/(?:workspace|home)/[\w.+/-]+|/builds/[\w.+-]+/[\w.+/-]+|/builddir/[\w.+/-]+"
    rb"|/workspace/[\w.+/-]+|[A-Z]:\\Users\\[\w.+ -]+\\[\w.+\\-]+"
)
# Shapes that the services themselves give out for scanners.
TOKENS = {
    "a GitHub token": rb"gh[pousr]_[A-Za-z0-9]{36}(?![A-Za-z0-9])|github_pat_\w{50,}",
    "a token of a package index": rb"pypi-AgE[\w-]{50,}",
    "an AWS access key": rb"(?<![A-Z0-9])AKIA[0-9A-Z]{16}(?![A-Z0-9])",
    "a Slack token": rb"xox[abprs]-[A-Za-z0-9-]{20,}",
    "a private key": rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----\s{1,40}[A-Za-z0-9+/=]{40}",
}
SHAPES = {what: re.compile(shape) for what, shape in TOKENS.items()}
# One of these is in each of them: one search for all, before five, of which hardly ever one finds anything.
BEGINNINGS = re.compile(rb"gh[pousr]_|github_pat_|pypi-AgE|AKIA|xox[abprs]-|-----BEGIN ")
URL = re.compile(rb"://[\w.+-]{1,64}:[^\s/@:{}<>$%'\"\0]{6,200}@[\w-]{1,200}\.[\w.-]")
SECRET_NAMES = re.compile(r"token|secret|passw|passphrase|api_?key|private_?key|credential|_auth$", re.IGNORECASE)
SHORTEST = 8
WORD = 16
"""Characters from which on even mere letters are taken for a secret: `keychain` or `disabled` is none."""
SHOWN = 3
WINDOW = 16 << 20
OVERLAP = 4096
"""Bytes that are looked at together, and how many of them again with the next: members may be large."""


def environment_secrets(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give the variables whose values nobody else should see, by their names.

    Names of files, and words, are no secrets.
    """
    return {name: value for name, value in environment.items() if SECRET_NAMES.search(name) and _is_secret(value)}


def _is_secret(value: str) -> bool:
    return (
        len(value) >= SHORTEST
        and not value.startswith(("/", "./", "~"))
        and (len(value) >= WORD or not value.isalpha())
    )


class Scan:
    """Looks through files for what should not be in them; a secret itself is not repeated in what it says."""

    def __init__(self, own: Mapping[str, str], texts: Sequence[str] = ()) -> None:
        """Know this environment's secrets by their variables' names, and other `texts` that must not show."""
        told = {value: f"it has the value of the environment variable {name}" for name, value in own.items()}
        told |= {text: f"it names {text}" for text in texts}
        self._own = [(os.fsencode(text), what) for text, what in told.items()]

    def find(self, chunks: Iterable[bytes], *, paths: bool) -> Iterator[tuple[str, str]]:
        """Give findings' codes and texts for a file, given piece by piece; `paths`: also those of build machines."""
        said: set[tuple[str, str]] = set()
        found_paths: dict[str, None] = {}
        for data in _windows(chunks):
            said |= {("secret", what) for text, what in self._own if text in data}
            shapes = [what for what, shape in SHAPES.items() if shape.search(data)] if BEGINNINGS.search(data) else []
            if b"://" in data and URL.search(data):
                shapes.append("a URL with a password")
            said |= {("secret-shape", f"it has what looks like {what}") for what in shapes}
            if paths:
                found_paths |= dict.fromkeys(host_paths(data))
        yield from sorted(said)
        if found_paths:
            names = list(found_paths)
            rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield "host-path", f"it has paths of a build machine: {', '.join(names[:SHOWN])}{rest}"


def host_paths(data: bytes) -> list[str]:
    """List the paths in `data` that are some build machine's."""
    if not any(anchor in data for anchor in ANCHORS):
        return []
    return list(dict.fromkeys(match[0].decode("latin-1") for match in HOST_PATHS.finditer(data)))


def _windows(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join pieces to windows that are not too large, each with the end of the one before."""
    waiting = b""
    pieces: list[bytes] = []
    size = 0
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size >= WINDOW:
            data = b"".join([waiting, *pieces])
            yield data
            waiting, pieces, size = data[-OVERLAP:], [], 0
    if pieces:
        yield b"".join([waiting, *pieces]) if waiting or len(pieces) > 1 else pieces[0]
