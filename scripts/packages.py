"""Build packages of PyPI for WASI, import them, run their own tests there, and write docs/packages.md.

    python scripts/packages.py [--only NAME]... [--again] [--table]

What is done is listed in packages.toml, which also tells how failures are judged. Results are kept in a folder
(default: .hatch/packages), one file a package, so that a run that was cut off goes on; --again starts over; --table
only writes the table. Run in an environment that has hatch-wasi[run,wheel]. Not part of CI: it takes more than an hour.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

HERE = Path(__file__).resolve().parent
TABLE = HERE.parent / "docs" / "packages.md"
PYTEST = "python -m pytest -q -o addopts= -p no:cacheprovider --continue-on-collection-errors --junitxml=junit.xml"
LIMIT = 3600
"""Seconds for one package."""
TYPES = ("failure", "error")
TEXT = """\
# Packages on WASI

Sdists from PyPI, unchanged and without a recipe, built by `hatch-wasi wheel` for CPython {python}, imported with their
extension modules, and tested by their own tests, all on WASI. Made by `scripts/packages.py`; `scripts/packages.toml`
says what was run, and how failures are judged: each whose text says that something is missing which WASI does not have
is counted below it (threads, processes, …), and all others are *ours*. Measured on {date}, two processors.

| package | built, s | wheel, KB | imported | tests passed | skipped | WASI lacks | ours | |
|---|---|---|---|---|---|---|---|---|
{rows}
{details}
{others}"""


def wheel_command(*words: str) -> list[str]:
    """Give the command line."""
    return [sys.executable, "-m", "hatch_wasi", "wheel", *words]


def run(argv: list[str], **env: str) -> tuple[int, str, float]:
    """Run a command; gives its status, what it said, and how many seconds it took."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            argv,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"took longer than {LIMIT} s", time.monotonic() - began
    return done.returncode, done.stdout, time.monotonic() - began


def build(name: str, about: dict, folder: Path) -> dict:
    """Build a package anew; what it is built with (numpy, …) is taken from the folder if it is there."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    words = ["-w", str(wheels), "-f", str(wheels), "--no-deps", "--rebuild", "--no-binary", name]
    status, told, seconds = run(wheel_command(*words, *about.get("words", []), name))
    if status:
        return {"built": False, "why": last_error(told)}
    made = re.findall(r"^Made (.*\.whl)$", told, flags=re.MULTILINE)[-1]
    return {"built": True, "seconds": round(seconds), "wheel": Path(made).name, "size": Path(made).stat().st_size}


def last_error(told: str) -> str:
    """Give the line that says what went wrong."""
    lines = told.strip().splitlines()
    return next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "")


def test(name: str, about: dict, folder: Path, found: dict) -> dict:
    """Import a package and run its tests, in the environment that `--test-command` makes."""
    out = folder / "out" / name
    out.mkdir(parents=True, exist_ok=True)
    for path in out.iterdir():
        path.unlink()
    imports = f'python -c "import {", ".join(about["modules"])}" > "$OUT/import" 2>&1 && touch "$OUT/imported"'
    tests = about.get("command") or f"{PYTEST} {shlex.join(about['tests'])}"
    command = f'{imports}; {{ {tests}; }} > "$OUT/log" 2>&1; status=$?; cp junit.xml "$OUT/" 2>/dev/null; exit $status'
    version = found["wheel"].split("-")[1]
    words = ["-w", str(folder / "tested"), "-f", str(folder / "wheels"), "--no-binary", name, *about.get("words", [])]
    requires = ["pytest", *about.get("needs", [])]
    words += [word for need in requires for word in ("--test-requires", need)]
    words += [word for source in about.get("sources", []) for word in ("--test-sources", source)]
    status, told, seconds = run(
        wheel_command(*words, "--no-deps", "--test-command", command, f"{name}=={version}"), OUT=str(out)
    )
    result = {"imported": (out / "imported").is_file(), "test-seconds": round(seconds), "test-status": status}
    if not result["imported"]:
        text = (out / "import").read_text(errors="replace") if (out / "import").is_file() else told
        result["import-error"] = text.strip().rpartition("\n")[2]
    return {**result, **(junit(out) if about.get("tests") else unittest(out, told))}


def junit(out: Path) -> dict:
    """Read pytest's report: counts, and what each failure says."""
    try:
        suite = ET.parse(out / "junit.xml").getroot().find("testsuite")
    except (OSError, ET.ParseError):
        log = (out / "log").read_text(errors="replace").strip() if (out / "log").is_file() else ""
        return {"passed": 0, "failures": [["the run", log[-600:] or "no report was written"]]}
    failures, skipped, passed = [], 0, 0
    for case in suite.iter("testcase"):
        bad = next((child for kind in TYPES if (child := case.find(kind)) is not None), None)
        if bad is not None:
            label = f"{case.get('classname')}::{case.get('name')}"
            failures.append([label, f"{bad.get('message') or ''}\n{(bad.text or '')[-3000:]}"])
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    if not passed and not failures:
        failures.append(["the run", (out / "log").read_text(errors="replace").strip()[-600:]])
    return {"passed": passed, "skipped": skipped, "failures": failures}


def unittest(out: Path, told: str) -> dict:
    """Read what unittest prints."""
    log = (out / "log").read_text(errors="replace") if (out / "log").is_file() else told
    count = re.search(r"^Ran (\d+) tests?", log, flags=re.MULTILINE)
    if count is None:
        return {"passed": 0, "failures": [["the run", log[-600:]]]}
    failures = [
        [head, text]
        for head, text in re.findall(r"^={70}\n(?:ERROR|FAIL): (.*?)\n(.*?)\n\n", log, flags=re.DOTALL | re.MULTILINE)
    ]
    return {"passed": int(count[1]) - len(failures), "skipped": 0, "failures": failures}


def judged(result: dict, classes: dict) -> tuple[Counter, list]:
    """Tell for each failure what WASI lacks, or that it is ours."""
    lacks, ours = Counter(), []
    for label, text in result.get("failures", []):
        kind = next((kind for kind, marks in classes.items() if any(re.search(mark, text) for mark in marks)), None)
        if kind is None:
            ours.append((label, text))
        else:
            lacks[kind] += 1
    return lacks, ours


def table(config: dict, folder: Path) -> None:
    """Write docs/packages.md of all results that are there."""
    rows, details = [], []
    for name, about in config["package"].items():
        path = folder / f"{name}.json"
        if not path.is_file():
            continue
        result = json.loads(path.read_text())
        if not result["built"]:
            rows.append(f"| {name} | no | | | | | | | {result['why'].replace('|', '/')} |")
            continue
        lacks, ours = judged(result, config["classes"])
        version = result["wheel"].split("-")[1]
        cells = [
            f"{name} {version}",
            str(result["seconds"]),
            f"{result['size'] / 1000:.0f}",
            "yes" if result["imported"] else f"no: {result.get('import-error')}",
            str(result["passed"]),
            str(result.get("skipped", 0)),
            ", ".join(f"{kind} {count}" for kind, count in lacks.items()),
            str(len(ours) or ""),
            about.get("note", ""),
        ]
        rows.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
        if ours:
            details.append(f"\n{name}: " + "; ".join(f"`{label}` ({first(text)})" for label, text in ours[:12]))
    heading = "\n## Failures that are not for want of something\n" if details else ""
    python = "3.13"
    TABLE.write_text(
        TEXT.format(
            python=python,
            date=time.strftime("%Y-%m-%d"),
            rows="\n".join(rows),
            details=heading + "\n".join(details),
            others=others(config["others"]),
        ).rstrip()
        + "\n"
    )


def others(about: dict) -> str:
    """Write what else was tried, by hand."""
    lines = ["## Others", "", f"Tried by hand on {about['date']}, a little each: built, imported and used were"]
    lines += [f"{', '.join(about['used'])}.", "", "In the way of others was something else; they", ""]
    lines += [f"- {why}: {', '.join(names)}" for why, names in about["not"].items()]
    return "\n".join(lines)


def first(text: str) -> str:
    """Give the line of a failure that says most."""
    lines = [line.strip(" E") for line in text.splitlines() if line.strip()]
    return (lines[0] if lines else "")[:160].replace("`", "'").replace("|", "/")


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--again", action="store_true", help="do again what was done")
    parser.add_argument("--table", action="store_true", help="only write the table")
    parser.add_argument("--folder", type=Path, default=HERE.parent / ".hatch" / "packages")
    args = parser.parse_args()
    config = tomllib.loads((HERE / "packages.toml").read_text(encoding="utf-8"))
    folder = args.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for name, about in config["package"].items():
        path = folder / f"{name}.json"
        if args.table or (args.only and name not in args.only) or (path.is_file() and not args.again):
            continue
        result = build(name, about, folder)
        if result["built"]:
            result |= test(name, about, folder, result)
        path.write_text(json.dumps(result, indent=1))
        lacks, ours = judged(result, config["classes"])
        failed = f"{sum(lacks.values())} for want of {dict(lacks)}, {len(ours)} ours"
        print(
            f"{name}: {result.get('why') or result.get('import-error') or ''} {result.get('passed')} passed, {failed}"
        )
        sys.stdout.flush()
    table(config, folder)


if __name__ == "__main__":
    main()
