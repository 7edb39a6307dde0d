"""What a wheel gives away of the machine and the person that built it."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["HOST_PATHS", "environment_secrets", "host_paths", "secrets"]

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
# Beginnings, for speed, and shapes: what the services themselves give out as such for scanners.
TOKENS = (
    (b"gh", re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36}\b"), "a GitHub token"),
    (b"github_pat_", re.compile(rb"\bgithub_pat_\w{50,}"), "a GitHub token"),
    (b"pypi-AgE", re.compile(rb"\bpypi-AgE[\w-]{50,}"), "a token of a package index"),
    (b"AKIA", re.compile(rb"\bAKIA[0-9A-Z]{16}\b"), "an AWS access key"),
    (b"xox", re.compile(rb"\bxox[abprs]-[A-Za-z0-9-]{20,}"), "a Slack token"),
    (b"PRIVATE KEY-----", re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}"), "a private key"),
    (b"://", re.compile(rb"://[\w.+-]{1,64}:[^\s/@:{}<>$%'\"]{6,}@[\w-]+\.[\w.-]+"), "a URL with a password"),
)
SECRET_NAMES = re.compile(r"token|secret|passw|api_?key|private_?key|credential", re.IGNORECASE)
SHORTEST = 8
SHOWN = 3


def environment_secrets(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give the variables whose values nobody else should see, by their names: NAME -> value, of 8 characters or more."""
    return {name: value for name, value in environment.items() if SECRET_NAMES.search(name) and len(value) >= SHORTEST}


def host_paths(data: bytes) -> str:
    """Give the first few paths in `data` that are some build machine's; empty if there are none."""
    if not any(anchor in data for anchor in ANCHORS):
        return ""
    found = list(dict.fromkeys(match[0].decode("latin-1") for match in HOST_PATHS.finditer(data)))
    rest = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + rest


def secrets(data: bytes, own: Mapping[str, str], texts: Sequence[str]) -> Iterator[tuple[bool, str]]:
    """Say what should not be seen in `data`: whether it is certain, and what it is; the secret itself is not repeated.

    `own` are secrets of this environment by their variables' names, `texts` others that must not show, as build paths.
    """
    for name, value in own.items():
        if value.encode() in data:
            yield True, f"it has the value of the environment variable {name}"
    for text in texts:
        if text.encode() in data:
            yield True, f"it names {text}"
    for beginning, shape, what in TOKENS:
        if beginning in data and shape.search(data):
            yield False, f"it has what looks like {what}"
