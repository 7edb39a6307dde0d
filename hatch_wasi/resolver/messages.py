"""What pip's messages mean, in words for a person: pip prints reasons over several lines, and the last says least."""

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from hatch_wasi.errors import WheelError
from hatch_wasi.fetch import is_offline

__all__ = ["Unavailable", "failure", "notes", "warnings"]


def _lines(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


NO_MATCH = _lines(r"^ERROR: No matching distribution found for (?P<requirement>.+?)(?: \(from (?P<parent>.*)\))?$")
VERSIONS = _lines(r"^ERROR: Could not find a version .* \(from versions: (?P<versions>.+)\)$")
ALL_YANKED = _lines(r"^ERROR: Ignored the following yanked versions: (?P<versions>.+)$")
OTHER_PYTHONS = _lines(r"^ERROR: Ignored the following versions that require a different python version: (.+)$")
UNREAD = _lines(r"^\s*Could not fetch URL (?P<url>\S+): (?:connection error: )?(?P<reason>.+) - skipping$")
CONFLICT = _lines(r"^The conflict is caused by:\n(?P<causes>(?:    .+\n)+)")
HASHES = _lines(
    r"^    (?P<what>\S.*?)(?: from \S+)?(?: \(from .*\))?:\n\s+Expected (?P<expected>\w+ \w+)\n(?:\s+Expected.*\n|\s+or .*\n)*"
    r"\s+Got\s+(?P<got>\w+)$"
)
GIT = _lines(r"^\s*fatal: (.+)$")
DIAGNOSIS = _lines(r"^\s*\u00d7 (?P<what>.+)\n(?:\s*│.*\n)*\s*╰─> (?P<why>.+)$")
FETCHING = _lines(r"^\s*\u00d7 .* while fetching (?P<url>\S+)$")
ERROR = _lines(r"^ERROR: (?P<what>.+)\n?(?P<more>(?:    .+\n)*)")
WARNING = _lines(r"^\s*WARNING: (.+)$")
YANKED = _lines(r"'(?P<name>[^']+)' candidate \(version (?P<version>\S+) at .*\nReason for being yanked: (?P<why>.*)$")
IGNORED = _lines(r"^Ignoring (?P<requirement>.+): markers (?P<markers>.+) don't match your environment$")
# What pip warns of on the way: it tries again, and an index that is a folder has no page of a project.
ON_THE_WAY = ("Retrying ", "Location 'file:", "The candidate selected for download or install is a yanked version")
SHOWN = 6


class Unavailable(WheelError):
    """There is no wheel for WASI of a requirement; `requirement` is it, as pip writes it.

    `url` is where its sources are, if it is named by its place.
    """

    def __init__(
        self, requirement: str, log: Path, *, url: str | None = None, why: str = "", hint: str | None = None
    ) -> None:
        """Say which, and why it may be."""
        message = f"there is no wheel of {requirement} for WASI Python{why}"
        super().__init__(message, hint=hint or "--build builds it from its sources, if there are any", log=log)
        self.requirement = requirement
        self.url = url


def failure(output: str, otherwise: str, log: Path) -> WheelError:
    """Give the error that pip's output tells of; `otherwise` is its text where there is nothing that is known."""
    if found := NO_MATCH.search(output):
        return _unavailable(found["requirement"], found["parent"], output, log)
    if found := CONFLICT.search(output):
        causes = [line.strip().replace("The user requested", "you ask for") for line in found["causes"].splitlines()]
        return WheelError(f"not all of this can be installed together: {_some(causes, '; ')}", log=log)
    if found := HASHES.search(output):
        message = (
            f"{found['what']} has not the hash that is asked for: expected {found['expected']}, got {found['got']}"
        )
        return WheelError(message, log=log)
    if found := GIT.search(output):
        return WheelError(f"git: {found[1]}", log=log)
    if is_offline() and (found := FETCHING.search(output)):
        return WheelError(f"{found['url']} is not fetched: offline", log=log)
    if found := DIAGNOSIS.search(output):
        return WheelError(f"{found['what']}: {found['why']}", log=log)
    if errors := list(ERROR.finditer(output)):
        what = errors[-1]["what"]
        more = [line.strip() for line in errors[-1]["more"].splitlines()] if what.endswith(":") else []
        return WheelError(f"{what} {_some(more, ', ')}".strip(), log=log)
    return WheelError(otherwise, log=log)


def _unavailable(requirement: str, parent: str | None, output: str, log: Path) -> Unavailable:
    """Tell a project that is not there from one without a wheel that fits, and from an index that does not answer."""
    name = canonicalize_name(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
    unread = {found["url"]: found["reason"] for found in UNREAD.finditer(output) if f"/{name}/" in found["url"]}
    missing = [url for url, reason in unread.items() if reason.startswith("404")]
    silent = {url: reason for url, reason in unread.items() if url not in missing}
    versions = [version for found in VERSIONS.findall(output) for version in found.split(", ") if version != "none"]
    why = f", which {parent} needs" if parent and not parent.startswith("-") else f" ({parent})" if parent else ""
    hint = None
    if silent:
        url, reason = next(iter(silent.items()))
        why += f": {url} is not read, offline" if is_offline() else f": {url} cannot be read: {reason}"
        hint = "check the network, and the index: `pip config list`, --index-url"
        hint = "without --offline it is; --find-links DIR names a folder of wheels" if is_offline() else hint
    elif (found := ALL_YANKED.search(output)) and not versions:
        why += f": all releases are yanked ({found['versions']})"
        hint = "a yanked release is taken only if it is named: ==VERSION"
    elif found := OTHER_PYTHONS.search(output):
        why += f"; for other Pythons: {found[1]}"
    elif versions:
        why += f"; there are wheels of {', '.join(versions[-SHOWN:])}"
    elif missing:
        why += f": there is no such project ({missing[0]})"
        hint = "check its name"
    return Unavailable(requirement, log, why=why, hint=hint)


def _some(words: list[str], separator: str) -> str:
    rest = [f"… and {len(words) - SHOWN} more"] if len(words) > SHOWN else []
    return separator.join([*words[:SHOWN], *rest])


def warnings(output: str) -> Iterator[str]:
    """Give what pip warns of though it succeeds: releases that are yanked, extras that are not there, …; each once."""
    yield from dict.fromkeys(
        f"{found['name']} {found['version']} is yanked: {found['why']}" for found in YANKED.finditer(output)
    )
    yield from dict.fromkeys(text for text in WARNING.findall(output) if not text.startswith(ON_THE_WAY))


def notes(output: str) -> Iterator[str]:
    """Give what pip leaves out, which is nothing wrong: requirements whose markers do not hold."""
    for found in IGNORED.finditer(output):
        yield f"left out, as its marker does not hold on WASI: {found['requirement']}; {found['markers'].strip(chr(39))}"
