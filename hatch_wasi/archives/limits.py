"""How much an archive may hold, of whatever format and origin. Data: the readers in this package enforce it."""

__all__ = [
    "COMPONENT", "DEPTH", "DIRECTORY", "EXTENDED", "EXTENDED_IN_A_ROW", "FREE", "FREE_MEMBERS", "LINKS", "LINK_HOPS", "LINK_STEPS", "MEMBERS",
    "MEMBER_BYTES", "MEMBER_SIZE", "PATH", "RATIO", "SIZE", "TEXTS", "XZ_MEMORY", "ZIP_MEMBERS", "members", "unpacked",
]  # fmt: skip

# LLVM's sources, the largest archive that hatch-wasi unpacks, are 170,000 files and 2.3 GB, 15 times their archive.
SIZE = 4 << 30
"""Bytes that an archive may unpack to: as much as a 32-bit machine such as WASI can address."""
FREE, RATIO = 256 << 20, 100
"""An archive may unpack to `FREE` bytes, and to `RATIO` more for each byte of its own. Code compresses to a quarter."""
MEMBER_SIZE = 2 << 30
"""Bytes of one file."""
MEMBERS = 400_000
"""Files, folders and links in a tar archive."""
FREE_MEMBERS, MEMBER_BYTES = 20_000, 16
"""A tar archive may have `FREE_MEMBERS`, and one more for so many bytes of its own: empty files cost time, too."""
ZIP_MEMBERS = 50_000
"""Files and folders in a zip archive, all of which are known before the first is read."""
DIRECTORY = 16 << 20
"""Bytes of a zip archive's central directory."""
PATH, COMPONENT, DEPTH = 1024, 255, 128
"""Bytes of a member's path and of a link's target, bytes of one part of it (NAME_MAX), and parts."""
LINKS, LINK_HOPS, LINK_STEPS = 50_000, 40, 2_000_000
"""Links in an archive, links that one may lead through (as in Linux), and parts of targets to follow for all of them."""
EXTENDED, EXTENDED_IN_A_ROW = 1 << 20, 8
"""Bytes of one PAX header or GNU long name, and how many of those one member may have."""
XZ_MEMORY = 256 << 20
"""Bytes that xz may use: its dictionary is the archive's choice, 64 MiB at most for `xz -9`."""
TEXTS = {"METADATA": 8 << 20, "WHEEL": 1 << 18, "RECORD": 16 << 20, "entry_points.txt": 1 << 18}
"""Bytes of the files in a wheel's .dist-info folder that are read whole."""


def members(size: int) -> int:
    """Return how many members a tar archive of `size` bytes may have."""
    return min(MEMBERS, FREE_MEMBERS + size // MEMBER_BYTES)


def unpacked(size: int) -> int:
    """Return how many bytes an archive of `size` bytes may unpack to."""
    return min(SIZE, FREE + RATIO * size)
