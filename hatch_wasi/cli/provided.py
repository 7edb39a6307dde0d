"""pip, which an environment has by itself: `bin/pip` is hatch-wasi, so there is nothing to install, upgrade or remove."""

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

__all__ = ["NOTE", "is_pip"]

NOTE = "pip is provided by hatch-wasi, whose commands the `pip` of an environment runs; nothing is changed"


def is_pip(word: str) -> bool:
    """Tell whether a word of the command line means the project pip, of whatever version."""
    try:
        requirement = Requirement(word)
    except InvalidRequirement:
        return False
    return canonicalize_name(requirement.name) == "pip" and requirement.url is None
