"""Makes the native interpreter that imports it answer as WASI Python: `sys`, `os`, `platform` and `sysconfig`.

Copied into a build environment, where a `.pth` file imports it before anything else (Doc/library/site.rst). It does
nothing unless HATCH_WASI_DISGUISE names its data, so that pip runs undisguised there. It runs on the build python, and
knows nothing of hatch_wasi.
"""

import contextlib
import os
import sys


def _preload() -> None:
    """Import what chooses its implementation by sys.platform, while that is still the machine's."""
    import asyncio
    import concurrent.futures
    import getpass
    import locale
    import mimetypes
    import multiprocessing.util
    import selectors
    import shutil
    import subprocess
    import tempfile
    import urllib.request
    import uuid
    import venv
    import webbrowser
    import zipfile

    del asyncio, concurrent, getpass, locale, mimetypes, multiprocessing, selectors, shutil, subprocess, tempfile
    del urllib, uuid, venv, webbrowser, zipfile
    with contextlib.suppress(ImportError):  # a lean build python has no libffi
        import ctypes.util

        del ctypes


def _sysconfig(data: "dict[str, object]") -> None:
    import sysconfig

    sysconfig.get_config_vars().update(data["variables"])  # type: ignore[call-overload]
    include = str(data["include"]).replace("{", "{{").replace("}", "}}")
    for scheme in sysconfig._INSTALL_SCHEMES.values():  # type: ignore[attr-defined]
        scheme["include"] = scheme["platinclude"] = include
    sysconfig.get_platform = lambda: data["platform"]  # type: ignore[assignment, return-value]
    sysconfig.get_makefile_filename = lambda: data["makefile"]  # type: ignore[assignment, return-value]
    sysconfig.get_config_h_filename = lambda: f"{data['include']}/pyconfig.h"


def _platform() -> None:
    import platform

    uname = ("wasi", "(none)", "0.0.0", "0.0.0", "wasm32")
    os.uname = lambda: os.uname_result(uname)
    platform._uname_cache = platform.uname_result(*uname[:4], uname[4])  # type: ignore[attr-defined]
    platform._platform_cache.clear()  # type: ignore[attr-defined]
    platform.libc_ver = lambda *_args, **_named: ("", "")
    platform.architecture = lambda *_args, **_named: ("32bit", "")
    sys.implementation._multiarch = "wasm32-wasi"  # type: ignore[attr-defined]
    sys.maxsize = 2**31 - 1
    sys.platform = "wasi"


def disguise(folder: str) -> None:
    """Answer by the data in `folder`, which `toolset` wrote."""
    import marshal

    with open(os.path.join(folder, "sysconfig"), "rb") as file:
        data = marshal.load(file)
    _preload()
    _sysconfig(data)
    _platform()


if folder := os.environ.get("HATCH_WASI_DISGUISE"):
    disguise(folder)
