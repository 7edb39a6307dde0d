"""Write down CPython's stable ABI for the audit (hatch_wasi/audit/stable_abi.toml).

Usage: python scripts/stable_abi.py CPYTHON-SOURCES. Reads their Misc/stable_abi.toml: which functions and variables an
extension with the limited API may use, and since which Python. To be run when a newer Python comes to be supported.
"""

import re
import sys
import textwrap
import tomllib
from collections import defaultdict
from pathlib import Path

from hatch_wasi.cache import replace_file

TARGET = Path(__file__).parents[1] / "hatch_wasi" / "audit" / "stable_abi.toml"


def main(source: Path) -> None:
    """Read `source`, write the file."""
    items = tomllib.loads((source / "Misc" / "stable_abi.toml").read_text(encoding="utf-8"))
    patchlevel = (source / "Include" / "patchlevel.h").read_text(encoding="utf-8")
    version = re.findall(r'PY_VERSION\s+"(.*)"', patchlevel)[0]
    versions = defaultdict(list)
    for kind in ("function", "data"):
        for name, item in items[kind].items():
            versions[item["added"]].append(name)
    text = f"# From CPython {version}'s Misc/stable_abi.toml by scripts/stable_abi.py: since when what can be used.\n"
    for added in sorted(versions, key=lambda found: int(found.partition(".")[2])):
        names = textwrap.wrap(" ".join(sorted(versions[added])), 116, break_long_words=False, break_on_hyphens=False)
        text += f'"{added}" = """\n' + "\n".join(names) + '\n"""\n'
    replace_file(TARGET, text.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
