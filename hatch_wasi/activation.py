"""The scripts that activate an environment: for sh (and bash, zsh, …), csh and fish.

They are those of the standard library's `venv`, but quote the folder's name for their shell: what is a folder's name
must not become a command. (Python before 3.12.8 and 3.13.1 writes it between double quotes.)
"""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

__all__ = ["scripts"]

UNSAFE = re.compile(r"[^\w .,:@+=~/-]")

SH = r"""# Use it from a shell: . bin/activate

deactivate () {
    if [ -n "${_OLD_VIRTUAL_PATH:-}" ] ; then
        PATH=$_OLD_VIRTUAL_PATH
        export PATH
        unset _OLD_VIRTUAL_PATH
    fi
    # The shell may remember where commands were.
    hash -r 2> /dev/null || true
    if [ -n "${_OLD_VIRTUAL_PS1:-}" ] ; then
        PS1=$_OLD_VIRTUAL_PS1
        export PS1
        unset _OLD_VIRTUAL_PS1
    fi
    unset VIRTUAL_ENV
    unset VIRTUAL_ENV_PROMPT
    if [ ! "${1:-}" = "nondestructive" ] ; then
        unset -f deactivate
    fi
}

deactivate nondestructive

VIRTUAL_ENV=@ENVIRONMENT@
if [ ! -e "$VIRTUAL_ENV/pyvenv.cfg" ] && [ -n "${BASH_SOURCE:-}" ] ; then
    # The environment was moved.
    VIRTUAL_ENV=$(CDPATH= cd -- "$(command -p dirname -- "$BASH_SOURCE")/.." && pwd)
fi
if [ ! -e "$VIRTUAL_ENV/pyvenv.cfg" ] ; then
    echo "there is no environment $VIRTUAL_ENV; where it was moved to, run: hatch-wasi venv DIR" >&2
fi
export VIRTUAL_ENV

_OLD_VIRTUAL_PATH=$PATH
PATH=$VIRTUAL_ENV/bin:$PATH
export PATH

VIRTUAL_ENV_PROMPT=@PROMPT@
export VIRTUAL_ENV_PROMPT
if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT:-}" ] ; then
    _OLD_VIRTUAL_PS1=${PS1:-}
    PS1=@PROMPT@${PS1:-}
    export PS1
fi

hash -r 2> /dev/null || true
"""
CSH = r"""# Use it from csh: source bin/activate.csh

alias deactivate 'test $?_OLD_VIRTUAL_PATH != 0 && setenv PATH "$_OLD_VIRTUAL_PATH" && unset _OLD_VIRTUAL_PATH; rehash; test $?_OLD_VIRTUAL_PROMPT != 0 && set prompt="$_OLD_VIRTUAL_PROMPT" && unset _OLD_VIRTUAL_PROMPT; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; test "\!:*" != "nondestructive" && unalias deactivate'

deactivate nondestructive

setenv VIRTUAL_ENV @ENVIRONMENT@

set _OLD_VIRTUAL_PATH="$PATH"
setenv PATH "$VIRTUAL_ENV/bin:$PATH"
setenv VIRTUAL_ENV_PROMPT @PROMPT@

if ($?prompt) then
    set _OLD_VIRTUAL_PROMPT="$prompt"
    if (! "$?VIRTUAL_ENV_DISABLE_PROMPT") then
        set prompt = @PROMPT@"$prompt:q"
    endif
endif

rehash
"""
FISH = r"""# Use it from fish: source bin/activate.fish

function deactivate -d "Leave the environment and return to the normal shell"
    if test -n "$_OLD_VIRTUAL_PATH"
        set -gx PATH $_OLD_VIRTUAL_PATH
        set -e _OLD_VIRTUAL_PATH
    end
    if test -n "$_OLD_FISH_PROMPT_OVERRIDE"
        set -e _OLD_FISH_PROMPT_OVERRIDE
        if functions -q _old_fish_prompt
            functions -e fish_prompt
            functions -c _old_fish_prompt fish_prompt
            functions -e _old_fish_prompt
        end
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != "nondestructive"
        functions -e deactivate
    end
end

deactivate nondestructive

set -gx VIRTUAL_ENV @ENVIRONMENT@
set -gx _OLD_VIRTUAL_PATH $PATH
set -gx PATH $VIRTUAL_ENV/bin $PATH
set -gx VIRTUAL_ENV_PROMPT @PROMPT@

if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and functions -q fish_prompt
    functions -c fish_prompt _old_fish_prompt
    function fish_prompt
        set -l old_status $status
        printf "%s%s%s" (set_color 4B8BBE) "$VIRTUAL_ENV_PROMPT" (set_color normal)
        echo "exit $old_status" | .
        _old_fish_prompt
    end
    set -gx _OLD_FISH_PROMPT_OVERRIDE "$VIRTUAL_ENV"
end
"""


def scripts(root: Path, prompt: str) -> dict[str, bytes]:
    """Return the scripts by their names, for the environment `root`."""
    # Shells expand what is in a prompt each time they show it.
    values = {"@ENVIRONMENT@": str(root), "@PROMPT@": f"({UNSAFE.sub('_', prompt)}) "}
    found = {}
    for name, text, quote in (
        ("activate", SH, shlex.quote),
        ("activate.csh", CSH, _quoted_for_csh),
        ("activate.fish", FISH, _quoted_for_fish),
    ):
        parts = re.split("(@ENVIRONMENT@|@PROMPT@)", text)
        content = "".join(quote(values[part]) if part in values else part for part in parts)
        found[name] = content.encode("utf-8", "surrogateescape")
    # It finds the folder by its own place.
    venv = find_spec("venv")
    powershell = Path(str(venv and venv.origin)).parent / "scripts" / "common" / "Activate.ps1"
    if powershell.is_file():
        found[powershell.name] = powershell.read_bytes()
    return found


def _quoted_for_csh(text: str) -> str:
    """Quote a word for csh, which looks for its history in single quotes too."""
    return shlex.quote(text).replace("!", "\\!").replace("\n", "\\\n")


def _quoted_for_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
