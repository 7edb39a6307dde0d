"""Which settings of readline a guest may change: keys for functions that edit a line, and how editing looks.

A line of an inputrc file can do more: read other files of this machine (`$include`), and type text for the person at the
terminal (macros). Such lines change nothing.
"""

from __future__ import annotations

import re

__all__ = ["checked", "for_libedit"]

VARIABLES = frozenset((
    "bell-style", "blink-matching-paren", "colored-completion-prefix", "completion-display-width",
    "completion-ignore-case", "completion-map-case", "completion-prefix-display-length", "completion-query-items",
    "editing-mode", "enable-bracketed-paste", "horizontal-scroll-mode", "menu-complete-display-prefix",
    "page-completions", "print-completions-horizontally", "revert-all-at-newline", "show-all-if-ambiguous",
    "show-all-if-unmodified", "show-mode-in-prompt", "skip-completed-text",
))  # fmt: skip
FUNCTIONS = frozenset((
    "accept-line", "backward-char", "backward-delete-char", "backward-kill-line", "backward-kill-word", "backward-word",
    "beginning-of-history", "beginning-of-line", "capitalize-word", "clear-screen", "complete", "delete-char",
    "delete-horizontal-space", "downcase-word", "end-of-history", "end-of-line", "forward-char",
    "forward-search-history", "forward-word", "history-search-backward", "history-search-forward",
    "history-substring-search-backward", "history-substring-search-forward", "kill-line", "kill-whole-line",
    "kill-word", "menu-complete", "menu-complete-backward", "next-history", "overwrite-mode", "possible-completions",
    "previous-history", "quoted-insert", "redraw-current-line", "reverse-search-history", "revert-line", "self-insert",
    "tab-insert", "transpose-chars", "transpose-words", "undo", "unix-line-discard", "unix-word-rubout", "upcase-word",
    "yank", "yank-last-arg", "yank-pop",
))  # fmt: skip
SETTING = re.compile(r"\s*set\s+([a-z-]+)\s+([A-Za-z0-9-]+)\s*")
BINDING = re.compile(
    r'\s*("(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e]){1,40}"|[A-Za-z0-9\\-]{1,40})\s*:\s*([a-z-]+)\s*'
)
LIBEDIT = {
    "tab: complete": "bind ^I rl_complete",
    "tab: tab-insert": "bind ^I ed-insert",
    "set editing-mode vi": "bind -v",
    "set editing-mode emacs": "bind -e",
}


def checked(line: str) -> str | None:
    """Return a line of an inputrc file in its plain form; None if a guest may not have it."""
    if (found := SETTING.fullmatch(line)) and found[1] in VARIABLES:
        return f"set {found[1]} {found[2]}"
    if (found := BINDING.fullmatch(line)) and found[2] in FUNCTIONS:
        return f"{found[1]}: {found[2]}"
    return None


def for_libedit(line: str) -> str | None:
    """Return what libedit, which Python has in readline's place on macOS, calls the same; None if nothing does."""
    return LIBEDIT.get(line.lower())
