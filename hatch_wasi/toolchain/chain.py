"""Ask the providers in order; the first that says yes serves, and if none does the error lists every reason."""

from dataclasses import dataclass
from typing import cast

from hatch_wasi.cache import Cache
from hatch_wasi.console import Console
from hatch_wasi.errors import ToolchainError, UsageError
from hatch_wasi.sdk import WasiSdk
from hatch_wasi.toolchain import debian, existing, release, source
from hatch_wasi.toolchain.provider import Provider, Request, Unavailable

__all__ = ["PROVIDERS", "Outlook", "find", "outlooks", "ready"]

PROVIDERS = cast("tuple[Provider, ...]", (existing, release, debian, source))


def _chosen(sdk: str) -> tuple[Provider, ...]:
    if sdk == "auto":
        return PROVIDERS
    name = existing.NAME if "/" in sdk else sdk
    chosen = tuple(provider for provider in PROVIDERS if name == provider.NAME)
    if not chosen:
        names = ", ".join(provider.NAME for provider in PROVIDERS)
        message = f"no SDK provider is called {sdk}"
        raise UsageError(message, hint=f"sdk is auto, {names}, or a folder (with a slash in it)")
    return chosen


def ready(cache: Cache, request: Request) -> WasiSdk | None:
    """Give the SDK that would serve and is there already; nothing is made, fetched or run.

    One in the machine's folders goes before all others, also when it must be checked first: None then.
    """
    chosen = _chosen(request.sdk)
    if cast("Provider", existing) in chosen and existing.is_there(request):
        return existing.ready(cache, request)
    return next((sdk for provider in chosen if (sdk := provider.ready(cache, request))), None)


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What one provider would do."""

    provider: str
    sdk: WasiSdk | None
    """What it has ready."""
    serves: bool
    """Whether that is the SDK that a build would use."""
    text: str
    """What it would do, or why not."""


def outlooks(cache: Cache, request: Request) -> list[Outlook]:
    """Say of each provider in order what it would do; nothing is run or fetched."""
    found, serving = [], ready(cache, request)
    for provider in _chosen(request.sdk):
        sdk = provider.ready(cache, request)
        if sdk is not None:
            text = f"ready: clang {sdk.llvm}, wasi-libc {sdk.wasi_libc}, in {sdk.root}"
        else:
            tell = getattr(provider, "outlook", None)
            text = tell(cache, request) if tell else "would be asked"
        serves = sdk is not None and sdk == serving
        found.append(Outlook(provider=provider.NAME, sdk=sdk, serves=serves, text=text))
    return found


def find(cache: Cache, console: Console, request: Request) -> WasiSdk:
    """Give an SDK for the request: the one that is ready, else the first that can be made.

    Raises `ToolchainError` listing why each provider could not serve.
    """
    if found := ready(cache, request):
        return found
    reasons = []
    for provider in _chosen(request.sdk):
        try:
            return provider.provide(cache, console, request)
        except Unavailable as reason:
            console.detail(f"SDK provider {provider.NAME}: {reason.message}")
            reasons.append(f"{provider.NAME}: {reason.message}")
    message = "\n  ".join(
        [f"no WASI SDK was found or could be made (sdk = {request.sdk!r}); its providers say:", *reasons]
    )
    raise ToolchainError(
        message,
        hint="install wasi-sdk (https://github.com/WebAssembly/wasi-sdk/releases) and set WASI_SDK_PATH to it, or set "
        "HATCH_WASI_MIRROR to a folder or address that has its archives",
    )
