"""The HTML form of the simple repository API (PEP 503), made for people too.

An anchor is an entry to those who install from it ("a single anchor element per project", "per file"): there are no
others, and the way back is a button. Everything that comes from a wheel is escaped, and control characters are left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from packaging.tags import Tag

from hatch_wasi.index.entry import Entry
from hatch_wasi.index.project import File, Project
from hatch_wasi.index.simple_json import API_VERSION, upload_time

__all__ = ["MARK", "Look", "front_page", "project_page", "root_page"]

MARK = "<!DOCTYPE html>\n<!-- hatch-wasi index -->"
"""How a page begins."""
LONG = 300
"""Letters of a text that are shown."""
MANY = 40
"""Requirements that are shown."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the person who makes the index says of it."""

    title: str = "Wheels for WASI Python"
    url: str = ""
    """Where the folder is served, for the commands that are shown; empty if that is not known."""

    @property
    def simple(self) -> str:
        """Give the address of the index, as commands need it."""
        return f"{self.url.rstrip('/') or 'URL'}/simple/"


def root_page(projects: Sequence[Project], look: Look) -> str:
    """Write the list of `projects`."""
    count, wheels = len(projects), sum(len(project.files) for project in projects)
    items = "\n".join(map(_project_item, projects))
    body = f"""\
<h1>{_text(look.title)}</h1>
<p class="lead">{_count(count, "project")}, {_count(wheels, "wheel")}</p>
<h2>Install</h2>
{_command(f"hatch-wasi install --index-url {look.simple} NAME")}{_note(look)}
<h2>Projects</h2>
<ul class="card">
{items}
</ul>"""
    return _page(look.title, body)


def project_page(project: Project, look: Look) -> str:
    """Write the page of `project`: its files, newest first, and how to get it."""
    latest = project.latest
    sections = "\n".join(_release(version, same) for version, same in reversed(list(project.releases())))
    body = f"""\
<form action="../"><button>← {_text(look.title)}</button></form>
<h1>{_text(project.name)} <span class="version">{_text(latest.entry.version)}</span></h1>
<p class="lead">{_text(latest.entry.summary)}</p>
{_facts(latest)}
<h2>Install</h2>
{_command(f"hatch-wasi install --index-url {look.simple} {project.key}")}
<p class="soft">or download it by pip:</p>
{_command(_pip(latest.entry, f"--index-url {look.simple} {project.key}"))}{_note(look)}
{sections}"""
    return _page(f"{project.name} · {look.title}", body)


def front_page(look: Look) -> str:
    """Write the page that leads from the top folder to the list of projects."""
    return f"""{MARK}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=simple/">
<title>{_text(look.title)}</title>
</head>
<body><p><a href="simple/">{_text(look.title)}</a></p></body>
</html>
"""


def _page(title: str, body: str) -> str:
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    return f"""{MARK}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="pypi:repository-version" content="{API_VERSION}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{_text(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
<footer>Made by hatch-wasi. <code>index.json</code> beside this page is the same for programs.</footer>
</main>
</body>
</html>
"""


def _project_item(project: Project) -> str:
    latest = project.latest
    newest = [file for file in project.files if file.entry.parsed_version == latest.entry.parsed_version]
    chips = [
        *_pythons(tag for file in newest for tag in file.entry.tags),
        *_platforms(file.entry for file in project.files),
    ]
    facts = "".join(map(_chip, chips)) + (_chip("yanked", "yanked") if latest.yanked is not None else "")
    summary = f"\n<p>{_text(latest.entry.summary)}</p>" if latest.entry.summary else ""
    return f"""\
<li><div class="row"><div><a href="{escape(project.key)}/">{_text(project.name)}</a> \
<span class="version">{_text(latest.entry.version)}</span></div><div class="facts">{facts}</div></div>{summary}</li>"""


def _facts(file: File) -> str:
    entry = file.entry
    needs = [*map(_text, entry.requires[:MANY]), *(["…"] if entry.requires[MANY:] else [])]
    rows = {
        "Python": _text(entry.requires_python),
        "License": _text(entry.license),
        "Needs": "<br>".join(needs),
    }
    found = "\n".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows.items() if value)
    return f"<dl>\n{found}\n</dl>" if found else ""


def _release(version: str, same: Sequence[File]) -> str:
    items = "\n".join(map(_file_item, same))
    return f'<h2>{_text(version)}</h2>\n<ul class="card">\n{items}\n</ul>'


def _file_item(file: File) -> str:
    entry = file.entry
    attributes = {
        "href": f"{file.url}#sha256={entry.sha256}",
        # PEP 658, and the name that PEP 714 gave it; older clients know the first one only.
        "data-dist-info-metadata": f"sha256={entry.metadata_sha256}",
        "data-core-metadata": f"sha256={entry.metadata_sha256}",
    }
    if entry.requires_python:
        attributes["data-requires-python"] = entry.requires_python
    if file.yanked is not None:
        attributes["data-yanked"] = file.yanked
    words = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    chips = "".join(map(_chip, [*_pythons(entry.tags), *_platforms([entry])]))
    yanked = ""
    if file.yanked is not None:
        chips += _chip("yanked", "yanked")
        yanked = f'\n<p class="reason">{_text(file.yanked)}</p>' if file.yanked else ""
    time = upload_time(file)
    return f"""\
<li{' class="out"' if file.yanked is not None else ""}><a {words}>{escape(entry.filename)}</a>
<div class="facts">{chips}<span>{_size(entry.size)}</span><time datetime="{time}">{time[:10]}</time></div>{yanked}</li>"""


def _chip(text: str, kind: str = "") -> str:
    chosen = kind or ("wasi" if text.startswith("WASI") else "")
    return f'<span class="chip {chosen}">{_text(text)}</span>' if chosen else f'<span class="chip">{_text(text)}</span>'


def _command(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _note(look: Look) -> str:
    return "" if look.url else '\n<p class="soft"><code>URL</code> stands for the address of this site.</p>'


def _pip(entry: Entry, words: str) -> str:
    """Give the pip command that takes the wheel `entry`, on any machine; `words` are its last."""
    for tag in sorted(entry.tags, key=str):
        if tag.platform.startswith("wasi"):
            python = "--python-version " + (_dotted(tag.interpreter) if tag.interpreter[2:].isdecimal() else "3")
            return (
                f"pip download --no-deps --only-binary :all: --platform {tag.platform} \\\n"
                f"  {python} --implementation {tag.interpreter[:2]} --abi {tag.abi} \\\n  {words}"
            )
    return f"pip download --no-deps {words}"


def _platforms(entries: Iterable[Entry]) -> list[str]:
    found = {tag.platform for entry in entries for tag in entry.tags}
    words = {"any": "any platform"}
    return sorted({"WASI" if name.startswith("wasi") else words.get(name, name) for name in found}, key=str.casefold)


def _pythons(tags: Iterable[Tag]) -> list[str]:
    found = set()
    for tag in tags:
        if tag.interpreter.startswith("cp"):
            found.add(f"CPython {_dotted(tag.interpreter)}" + ("+ (abi3)" if tag.abi == "abi3" else ""))
        else:
            found.add(f"Python {_dotted(tag.interpreter)}" if tag.interpreter.startswith("py") else tag.interpreter)
    return sorted(found)


def _dotted(interpreter: str) -> str:
    """Give the version of the tag `interpreter`: 3.13 of cp313."""
    version = interpreter[2:]
    return f"{version[0]}.{version[1:]}" if len(version) > 1 else version


def _text(text: str) -> str:
    """Escape `text` for a page, in one line, without what is not printed, and cut where it is long."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return escape(line if len(line) <= LONG else line[:LONG] + "…")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _size(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
