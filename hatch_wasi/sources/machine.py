"""The distribution this machine runs, and the mirrors that its own package manager is configured with."""

from dataclasses import dataclass
from pathlib import Path

from hatch_wasi import pins, process
from hatch_wasi.errors import ProcessFailed, ToolchainError

__all__ = ["Distribution", "Mirror", "parse_os_release", "parse_targets"]

KEYRINGS = Path("/usr/share/keyrings")
FORMAT = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"


@dataclass(frozen=True)
class Mirror:
    """One suite of a repository."""

    uri: str
    suite: str
    components: tuple[str, ...]

    def line(self, kind: str, keyring: Path | None) -> str:
        """Write it as a line of sources.list(5); `kind` is `deb` or `deb-src`."""
        options = f"[signed-by={keyring}] " if keyring else ""
        return f"{kind} {options}{self.uri} {self.suite} {' '.join(self.components)}"


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A Debian or one of its kind."""

    id: str
    """`debian`, `ubuntu`: ID of os-release(5)."""
    codename: str
    """`bookworm`: VERSION_CODENAME."""
    mirrors: tuple[Mirror, ...]
    """The distribution's own suites as configured: release, updates, security."""
    keyring: Path | None
    """The distribution's archive keys; None: the keys that apt trusts by default."""

    @classmethod
    def detect(cls, os_release: Path = Path("/etc/os-release")) -> "Distribution":
        """Ask the machine. Raises `ToolchainError` with the reason if it is of another kind."""
        try:
            known = parse_os_release(os_release.read_text(encoding="utf-8"))
            listing = process.run(
                ["apt-get", "indextargets", "--no-release-info", "--format", FORMAT, "Created-By: Packages"],
                what="reading apt's configuration",
                env=process.base_environment(),
            )
        except (OSError, ProcessFailed) as error:
            message = "not a Debian or Ubuntu machine (no apt)"
            raise ToolchainError(message) from error
        name, codename = known.get("ID", ""), known.get("VERSION_CODENAME", "")
        if name not in pins.table("suites") or not codename:
            message = f"not a Debian or Ubuntu release (os-release says ID={name}, VERSION_CODENAME={codename})"
            raise ToolchainError(message)
        mirrors = tuple(mirror for mirror in parse_targets(listing) if mirror.suite.split("-")[0] == codename)
        if not mirrors:
            message = f"apt has no {codename} suite configured"
            raise ToolchainError(message)
        keyring = KEYRINGS / f"{name}-archive-keyring.gpg"
        return cls(id=name, codename=codename, mirrors=mirrors, keyring=keyring if keyring.is_file() else None)

    def newer(self) -> tuple["Distribution", ...]:
        """List the same mirror's later suites, the next first."""
        suites: list[str] = pins.table("suites")[self.id]
        later = suites[suites.index(self.codename) + 1 :] if self.codename in suites else ()
        main = next((mirror for mirror in self.mirrors if mirror.suite == self.codename), self.mirrors[0])
        return tuple(
            Distribution(
                id=self.id,
                codename=suite,
                mirrors=(Mirror(main.uri, suite, main.components),),
                keyring=self.keyring,
            )
            for suite in later
        )

    def backports(self) -> "Distribution":
        """Give the suite's backports, `trixie-backports`; one that is not there is found out by asking."""
        suite = f"{self.codename}-backports"
        main = next((mirror for mirror in self.mirrors if mirror.suite == self.codename), self.mirrors[0])
        return Distribution(
            id=self.id, codename=suite, mirrors=(Mirror(main.uri, suite, main.components),), keyring=self.keyring
        )


def parse_os_release(text: str) -> dict[str, str]:
    """Read os-release(5): shell-like assignments, one a line."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def parse_targets(text: str) -> tuple[Mirror, ...]:
    """Read lines of `URI|suite|component` into suites, in their order."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for line in text.splitlines():
        uri, _, rest = line.partition("|")
        suite, _, component = rest.partition("|")
        if uri and suite and component:
            found.setdefault((uri, suite), {})[component] = None
    return tuple(Mirror(uri, suite, tuple(components)) for (uri, suite), components in found.items())
