"""CMake and Ninja from wherever they are."""

import subprocess
from pathlib import Path

import pytest

from hatch_wasi.cache import Cache
from hatch_wasi.errors import ToolchainError
from hatch_wasi.toolchain import cmake

LISTS = "cmake_minimum_required(VERSION 3.20)\nproject(p NONE)\n"
LISTS += 'file(WRITE ${CMAKE_BINARY_DIR}/setting "${SETTING}")\n'
LISTS += "add_custom_target(thing COMMAND ${CMAKE_COMMAND} -E touch thing)\n"


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def works(tools: cmake.CMake, folder: Path) -> bool:
    """Configure and build a project with them."""
    (folder / "source").mkdir(parents=True)
    (folder / "source" / "CMakeLists.txt").write_text(LISTS)
    configure = tools.configure(folder / "source", folder / "build", {"SETTING": "a value"})
    for argv in (configure, tools.build(folder / "build", ("thing",), 1)):
        subprocess.run([str(word) for word in argv], env=tools.environment, check=True, capture_output=True)
    return (folder / "build" / "setting").read_text() == "a value" and (folder / "build" / "thing").is_file()


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has apt but no CMake, in PATH or in the environment."""
    (tmp_path / "path").mkdir()
    for program in (*Path("/bin").iterdir(), *Path("/usr/bin").iterdir()):
        link = tmp_path / "path" / program.name
        if program.name not in {"cmake", "ninja"} and not link.is_symlink():
            link.symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(cmake.sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(cmake.importlib.util, "find_spec", lambda _: None)


def test_the_distributions_serve(tmp_path: Path, nothing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HATCH_WASI_OFFLINE", raising=False)
    assert cmake.present() is None
    tools = cmake.find(Cache(tmp_path / "cache"), tmp_path / "cmake", tmp_path / "log")
    assert tools.origin == "the distribution's packages"
    assert works(tools, tmp_path / "project")
    monkeypatch.setenv("HATCH_WASI_OFFLINE", "1")
    with pytest.raises(ToolchainError, match="no CMake with Ninja") as caught:
        cmake.find(Cache(tmp_path / "cache"), tmp_path / "other", tmp_path / "log")
    assert "PyPI" in str(caught.value.hint)


def test_the_environments_serve(tmp_path: Path, nothing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a build backend finds them: not in PATH, and the start scripts of no use without the environment's PYTHONPATH.
    script(tmp_path / "path" / "cmake", "echo 'ModuleNotFoundError: cmake' >&2; exit 1")
    script(tmp_path / "path" / "ninja", "exit 1")
    script(tmp_path / "cmake", "echo cmake version 4.1.2")
    script(tmp_path / "ninja", "echo 1.13.0.git.kitware.jobserver-pipe-1")
    tools = cmake.present()
    assert tools is not None
    assert (tools.cmake, tools.ninja) == (tmp_path / "cmake", tmp_path / "ninja")
    assert tools.origin == "cmake 4.1.2, ninja 1.13.0"
    script(tmp_path / "cmake", "echo cmake version 3.19.9")
    assert cmake.present() is None


def test_the_users_cmake_settings_do_not_steer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = cmake.find(Cache(tmp_path / "cache"), tmp_path / "cmake", tmp_path / "log")
    monkeypatch.setenv("CMAKE_GENERATOR", "Unix Makefiles")
    monkeypatch.setenv("CMAKE_TOOLCHAIN_FILE", "/nowhere")
    assert works(tools, tmp_path / "project")
