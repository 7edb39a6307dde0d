"""The libraries of a wheel: which module needs which, and whether the loader will find them."""

import posixpath
from collections.abc import Mapping

from hatch_wasi.wasm.side_module import SideModule

__all__ = ["Libraries"]

LIMIT = 256
"""How many libraries a module may need, with those that they need; only a hostile wheel has more."""


class Libraries:
    """Resolves names of libraries to members of one wheel, as `runtime/loader.py` does."""

    def __init__(self, modules: Mapping[str, SideModule]) -> None:
        """Look at the wheel's side modules, by their members' names."""
        self._modules = modules
        self._by_leaf: dict[str, str] = {}
        for member in modules:
            self._by_leaf.setdefault(posixpath.basename(member), member)
        self._direct = {
            member: [(name, *self._find(name, member)) for name in modules[member].needed] for member in modules
        }
        self.members = {
            found for member, direct in self._direct.items() for _, found, _ in direct if found not in (None, member)
        }
        """Those that another module needs."""

    def closure(self, member: str) -> tuple[list[str | None], list[tuple[str, str]]]:
        """Give the members that `member` needs, directly and through others, and findings' codes and texts.

        None stands for those that are not in the wheel.
        """
        found: dict[str | None, None] = {}
        problems: dict[tuple[str, str], None] = {}
        waiting = [member]
        for user in waiting:
            through = "" if user == member else f" (for {user})"
            for name, library, is_beside in self._direct[user]:
                if library is None:
                    problems["needed", f"it needs {name}{through}, which is not in the wheel"] = None
                    found[None] = None
                    continue
                if not is_beside:
                    text = (
                        f"it needs {name}{through}, which is {library}: not where it looks, so it must be loaded before"
                    )
                    problems["needed-elsewhere", text] = None
                if library not in found:
                    found[library] = None
                    waiting.append(library)
            if len(found) > LIMIT:
                problems["needed", f"it needs more than {LIMIT} libraries"] = None
                found[None] = None
                break
        return list(found), list(problems)

    def elsewhere(self) -> dict[str, list[str]]:
        """Give what a run path must have for those members that need one in a folder which is not looked in.

        Members of `.data` folders are installed elsewhere: which way leads to them is not known here.
        """
        found: dict[str, list[str]] = {}
        for member, direct in self._direct.items():
            for _, library, is_beside in direct:
                if library is not None and not is_beside and _data(library) == _data(member):
                    way = posixpath.relpath(posixpath.dirname(library) or ".", posixpath.dirname(member) or ".")
                    found.setdefault(member, []).append(f"$ORIGIN/{way}")
        return {member: list(dict.fromkeys(places)) for member, places in found.items()}

    def _find(self, name: str, user: str) -> tuple[str | None, bool]:
        """Give the member that `user` means by `name`, and whether it is in one of the folders that are looked in."""
        folder = posixpath.dirname(user)
        for place in (*self._modules[user].dylink.runtime_path, "$ORIGIN"):
            # Members' names have no `..`: what leads out of the wheel is not found.
            path = (
                posixpath.normpath(posixpath.join(place.replace("$ORIGIN", folder), name)) if "$ORIGIN" in place else ""
            )
            if path in self._modules:
                return path, True
        return self._by_leaf.get(posixpath.basename(name)), False


def _data(member: str) -> str:
    """Give the part of a `.data` folder that a member is in, `NAME-VERSION.data/SCHEME`; empty if it is in none."""
    top, _, rest = member.partition("/")
    return f"{top}/{rest.partition('/')[0]}" if top.endswith(".data") else ""
