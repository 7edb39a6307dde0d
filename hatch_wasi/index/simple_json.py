"""The JSON form of the simple repository API (PEP 691, PEP 700), for servers that are set up to choose it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from hatch_wasi.index.project import File, Project

__all__ = ["API_VERSION", "MARK", "project_json", "root_json", "upload_time"]

API_VERSION = "1.1"
"""PEP 700's: versions, size and upload-time are there."""
MARK = '{"_generator": "hatch-wasi index"'
"""How a file begins. Keys with an underscore are the index's own (PEP 691)."""


def root_json(projects: Sequence[Project]) -> str:
    """List `projects`."""
    return _text(
        {"projects": [{"name": project.name, "_latest": project.latest.entry.version} for project in projects]}
    )


def project_json(project: Project) -> str:
    """Describe `project` with all its files."""
    files = [_file(file) for file in project.files]
    return _text({"name": project.key, "versions": project.versions, "files": files})


def upload_time(file: File) -> str:
    """Give the time when the file was written, in the form that PEP 700 asks for."""
    return datetime.fromtimestamp(file.entry.mtime // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _file(file: File) -> dict[str, object]:
    entry = file.entry
    metadata = {"sha256": entry.metadata_sha256}
    answer: dict[str, object] = {
        "filename": entry.filename,
        "url": file.url,
        "hashes": {"sha256": entry.sha256},
        "size": entry.size,
        "upload-time": upload_time(file),
        "core-metadata": metadata,
        "dist-info-metadata": metadata,  # the name that PEP 714 replaced; older clients know no other
    }
    if entry.requires_python:
        answer["requires-python"] = entry.requires_python
    if file.yanked is not None:
        answer["yanked"] = file.yanked or True  # an empty text would say that it is not (PEP 691)
    return answer


def _text(content: dict[str, object]) -> str:
    # The key of MARK comes first.
    return json.dumps({"_generator": "hatch-wasi index", "meta": {"api-version": API_VERSION}, **content}) + "\n"
