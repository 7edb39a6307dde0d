"""What is secret in an address: user names with passwords, tokens, signed queries. Pure.

Messages, logs and files that hatch-wasi writes must not hold any of it. `text.printable` applies `redacted` to whatever
is shown.
"""

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

__all__ = ["MASK", "redacted", "stripped"]

MASK = "****"
USER = re.compile(r"(?<=//|\\/)(?P<login>[^/?# \t\r\n]*)@")
"""All before the last @ of the part of an address that names the host; in JSON, slashes may have backslashes."""
PARAMETER = re.compile(r"(?P<before>[?&;#])(?P<name>[\w.~%+\[\]-]+)=(?P<value>(?:[^&;# \t\r\n'\"<>\\]|'(?=\w))*)")
SECRET = re.compile(
    r"token|bearer|passw|secret|signature|credential|api[_-]?key|access[_-]?key|private[_-]?key|^auth|^sig$|^key$|^pwd$|^pass$|^jwt$",
    re.IGNORECASE,
)
"""Names of parameters whose values open doors: X-Amz-Signature, private_token, sig, …."""
NO_PASSWORDS = ("", "x-oauth-basic")
"""Passwords that say that the user name is a token."""
VARIABLES = re.compile(r"(\$\{[A-Za-z0-9_]+\})(:\$\{[A-Za-z0-9_]+\})?")
"""A login that only names environment variables, which pip fills in: that is none."""
WEB = re.compile(r"(?:^|[^A-Za-z])(?:https?|ftps?)$", re.IGNORECASE)


def redacted(text: str) -> str:
    """Return `text` with `****` in the place of whatever is secret in the addresses that it has.

    As pip does: a password is hidden, and of a login without one all but for ssh, where it is no secret.
    """
    return PARAMETER.sub(_without_value, USER.sub(_without_password, text))


def stripped(url: str) -> str:
    """Return the address `url` without login and secret parameters, to be kept (PEP 610)."""
    login = USER.search(url)
    if login and _hidden(url, login) != login["login"]:
        url = url[: login.start()] + url[login.end() :]
    try:
        parts = urlsplit(url)
    except ValueError:
        return redacted(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not SECRET.search(name)]
    if len(kept) == len(parse_qsl(parts.query, keep_blank_values=True)):
        return url
    return parts._replace(query="&".join(f"{quote(name)}={quote(value)}" for name, value in kept)).geturl()


def _without_password(found: re.Match[str]) -> str:
    return f"{_hidden(found.string, found)}@"


def _hidden(text: str, found: re.Match[str]) -> str:
    """Return what is shown of a login."""
    login = found["login"]
    if not login or VARIABLES.fullmatch(login):
        return login
    user, colon, password = login.partition(":")
    if colon:
        return f"{MASK if password in NO_PASSWORDS else user}:{MASK}"
    is_web = WEB.search(text[max(0, found.start() - 12) : found.start() - 3])
    return MASK if is_web else user


def _without_value(found: re.Match[str]) -> str:
    is_secret = found["value"] and SECRET.search(unquote(found["name"]))
    return f"{found['before']}{found['name']}={MASK if is_secret else found['value']}"
