"""Names of archive members: what may be written below a folder."""

from hatch_wasi.archives import limits

__all__ = ["Refusal", "parts_of"]

DELETE = "\x7f"


class Refusal(Exception):
    """An archive is damaged or hostile; the text says in what way."""


def parts_of(name: str) -> list[str]:
    """Return the parts of the member name `name`, without empty ones and `.`.

    Raises `Refusal` if the name leads out of the archive, or is too long or too deep for a file system.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    reason = ""
    if name.startswith("/"):
        reason = "is absolute"
    elif ".." in parts:
        reason = "leads out of the archive"
    elif any(sign < " " or sign == DELETE for sign in name):
        reason = "has a control character"
    elif len(_bytes(name)) > limits.PATH:
        reason = f"is longer than {limits.PATH} bytes"
    elif len(parts) > limits.DEPTH:
        reason = f"has more than {limits.DEPTH} parts"
    elif any(len(_bytes(part)) > limits.COMPONENT for part in parts):
        reason = f"has a part longer than {limits.COMPONENT} bytes"
    if reason:
        message = f"the name {name[:200]!r} {reason}"
        raise Refusal(message)
    return parts


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
