"""Options that every command has, and the environment variables behind them: the command line goes first."""

import argparse
import os
from dataclasses import dataclass

from hatch_wasi.config import DEFAULT_PYTHON

__all__ = ["Toolchain", "toolchain"]


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """Which toolchain is asked for."""

    python: str
    sdk: str


def toolchain(args: argparse.Namespace) -> Toolchain:
    """Read `--python`, `--sdk` and `--offline`; the last is handed on by the environment, as for the hook."""
    if args.offline:
        os.environ["HATCH_WASI_OFFLINE"] = "1"
    return Toolchain(
        python=args.python or os.environ.get("HATCH_WASI_PYTHON") or DEFAULT_PYTHON,
        sdk=args.sdk or os.environ.get("HATCH_WASI_SDK") or "auto",
    )
