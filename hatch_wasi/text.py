"""Make any text fit for a terminal: what a wheel, an index, a guest or a file name says must not steer it.

Passwords in addresses are hidden on the same way. `run` imports this on its fast path, so it imports nothing.
"""

__all__ = ["LONGEST", "one_line", "printable", "relayed"]

LONGEST = 2000
"""Characters of a hostile text that a message shows."""
KEPT = "\n\t\u200c\u200d"
"""Not printable by Python's rule, and harmless: our own line structure, and the joiners of scripts and of emoji."""
SEPARATORS = "\u2028\u2029"
"""White space that some terminals and editors take for the end of a line."""


def printable(text: str) -> str:
    r"""Return `text` with a visible escape (`\x1b`) for each character that could steer a terminal or hide text.

    These are the control characters of C0 and C1 except newline and tab, DEL, the bidirectional controls, line and
    paragraph separators, other invisible format characters and lone surrogates. What is secret in addresses is hidden.
    """
    return _visible(_without_secrets(text))


def one_line(text: str) -> str:
    """Return `text`, which may hold names from a hostile file, as one line of at most `LONGEST` characters."""
    text = _without_secrets(text)  # first: a cut could part a password from the @ by which it is known
    shown = _visible(text[:LONGEST]).replace("\n", "\\n").replace("\t", "\\t")
    return shown if len(text) <= LONGEST else f"{shown}…"


def relayed(text: str) -> str:
    """Return what another program printed, fit for a terminal: without its colours, each of its lines a line."""
    import re

    plain = re.sub(r"\x1b\[[0-9;:]*[mK]", "", text)
    return printable(plain.replace("\r\n", "\n"))


def _without_secrets(text: str) -> str:
    if ("@" in text and "/" in text) or ("=" in text and ("?" in text or "&" in text or "#" in text or ";" in text)):
        from hatch_wasi.redaction import redacted

        return redacted(text)
    return text


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(sign if _is_harmless(sign) else _escape(sign) for sign in text)


def _is_harmless(sign: str) -> bool:
    if sign.isprintable() or sign in KEPT:
        return True
    # Spaces of other widths are not printable for Python; controls that count as white space are below U+00A0.
    return sign >= "\xa0" and sign.isspace() and sign not in SEPARATORS


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode()
