"""setjmp in C++ functions that own objects: LLVM's code for them, rewritten so that a longjmp passes their destructors by.

A longjmp is an exception of WebAssembly, with a tag of its own. A function that calls setjmp catches it, and goes on where
setjmp returned. But LLVM's code to destroy a function's objects (`cleanuppad`) catches exceptions of every tag, and it
comes first: the objects would be destroyed when the longjmp arrives, and once more when the function returns. Here, such
code becomes a handler for C++ exceptions that throws them again when it is done.

LLVM's options do not do it, and linkers cannot: the compiler writes its intermediate representation, before any
optimization, and reads what is made of it (https://llvm.org/docs/LangRef.html, ExceptionHandling.html#wineh).
"""

from __future__ import annotations

__all__ = ["is_concerned", "rewrite", "steps"]

UNIT_PAIRS = frozenset({"-MF", "-MT", "-MQ", "-MJ"})
UNIT_FLAGS = frozenset({"-c", "-MD", "-MMD", "-MP", "-MV", "-MG"})
DECLARATIONS = {
    "@llvm.wasm.get.exception(": "declare ptr @llvm.wasm.get.exception(token)",
    "@llvm.wasm.get.ehselector(": "declare i32 @llvm.wasm.get.ehselector(token)",
    "@llvm.wasm.rethrow(": "declare void @llvm.wasm.rethrow()",
}


def is_concerned(content: bytes) -> bool:
    """Tell whether an object calls setjmp."""
    return b"__wasm_setjmp" in content


def steps(argv: list[str], source: str, output: str) -> tuple[list[str], list[str]]:
    """Return the commands that compile `source` to `OUTPUT.ll`, and that to `output`; `argv` is the one for both."""
    plain, words = [], iter(argv)
    for word in words:
        if word in UNIT_PAIRS or word == "-o":
            next(words, "")
        elif word not in UNIT_FLAGS and word != f"-o{output}":
            plain.append(word)
    text = f"{output}.ll"
    first = [*plain, "-w", "-Xclang", "-disable-llvm-passes", "-S", "-emit-llvm", "-o", text]
    at = plain.index(source)
    if plain[at - 2 : at - 1] == ["-x"]:
        del plain[at - 2 : at]
        at -= 2
    second = [
        *plain[:at],
        *plain[at + 1 :],
        "-w",
        "-Wno-unused-command-line-argument",
        "-c",
        "-x",
        "ir",
        text,
        "-o",
        output,
    ]
    return first, second


def rewrite(text: str) -> str:
    """Rewrite the functions of a module in LLVM's intermediate representation that call setjmp."""
    lines, found = text.split("\n"), []
    position = 0
    while position < len(lines):
        if not lines[position].startswith("define "):
            found.append(lines[position])
            position += 1
            continue
        end = lines.index("}", position) + 1
        body = lines[position:end]
        found += _function(body) if any("i32 @setjmp(" in line for line in body) else body
        position = end
    declared = [line for line in found if line.startswith("declare ")]
    found += [text for name, text in DECLARATIONS.items() if not any(name in line for line in declared)]
    return "\n".join(found) + "\n"


def _function(lines: list[str]) -> list[str]:
    import re

    pad_of = re.compile(r"  (%\S+) = cleanuppad within (\S+) \[\](.*)")
    return_of = re.compile(r"  cleanupret from (%\S+) unwind (to caller|label (%[^\s,]+))(.*)")
    label_of = re.compile(r'([-\w.$]+|"[^"]*"):')
    phi_of = re.compile(r"%([-\w.$]+|\"[^\"]*\") \]")
    exception_of = re.compile(r"@llvm\.wasm\.get\.exception\(token (%\S+)\)")
    unwinds = {found[1]: found[2] for line in lines if (found := return_of.match(line))}
    given = {found[1] for line in lines for found in [exception_of.search(line)] if found}
    made: list[str] = []
    renamed: dict[str, str] = {}
    block = ""
    for line in lines:
        if found := label_of.match(line):
            block = found[1]
        if found := pad_of.match(line):
            pad, parent, rest = found.groups()
            # Where it leads must be where its parent leads; of code that never ends, that is not said here.
            if unwind := unwinds.get(pad, "to caller" if parent == "none" else ""):
                renamed[block] = f"{_name(pad)}.pad"
                made += _handler(pad, parent, unwind, rest, has_exception=pad in given)
                continue
        elif found := return_of.match(line):
            made += _throw_again(found[1], found[3], found[4], len(made))
            continue
        made.append(line)
    return [
        phi_of.sub(lambda found: f"%{renamed.get(found[1], found[1])} ]", line) if " = phi " in line else line
        for line in made
    ]


def _name(pad: str) -> str:
    return f"hatch_wasi.{pad[1:]}"


def _handler(pad: str, parent: str, unwind: str, rest: str, *, has_exception: bool) -> list[str]:
    """Return what begins a handler of C++ exceptions; the code after it is its body."""
    name = _name(pad)
    found = [
        f"  %{name}.switch = catchswitch within {parent} [label %{name}.pad] unwind {unwind}{rest}",
        "",
        f"{name}.pad:",
        f"  {pad} = catchpad within %{name}.switch [ptr null]",
    ]
    if not has_exception:
        found.append(f"  %{name}.exception = call ptr @llvm.wasm.get.exception(token {pad})")
        found.append(f"  %{name}.selector = call i32 @llvm.wasm.get.ehselector(token {pad})")
    return found


def _throw_again(pad: str, label: str | None, rest: str, number: int) -> list[str]:
    """Return what ends a handler: `label` is the next one, `number` is this place's alone."""
    again = f'@llvm.wasm.rethrow() [ "funclet"(token {pad}) ]'
    if label is None:
        return [f"  call void {again}{rest}", "  unreachable"]
    end = f"hatch_wasi.end.{number}"
    jump = f"          to label %{end} unwind label {label}{rest}"
    return [f"  invoke void {again}", jump, "", f"{end}:", "  unreachable"]
