"""explain: an operation from formula to kernel, from the sources themselves."""

from __future__ import annotations

import dis
import inspect
import linecache
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from types import CodeType, ModuleType
from typing import IO, Any

from .errors import ArgumentError
from .operation import Fused, Primitive

PACKAGE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(PACKAGE)
KERNELS = os.path.join(TREE, "kernels")  # in a source tree
WIDTH, SOURCE_WIDTH = 100, 120  # of what is printed, and of the lines in the sources


def explain(what: Any, file: IO[str] | None = None) -> None:
    """Print what stands behind a name: formula, derivative, NumPy twin and kernel of an operation.

    `what` is a name ("linear", "nn.functional.linear") or the function itself. Of a function without a derivative of
    its own the source is printed, and which operations it uses. `file` is where to print, standard output by default.
    Raises ArgumentError for a name that does not exist, with those that come near.

    >>> import minidl
    >>> minidl.explain("mul")
    mul(a, b): a primitive of minidl/ops/elementwise.py
    <BLANKLINE>
    FORMULA
    <BLANKLINE>
    @elementwise
    def mul(a: Any, b: Any) -> Any:
        \"""y = a * b.
        ...
        \"""
        return a * b
    <BLANKLINE>
    DERIVATIVE, from g = dL/d(out)
    <BLANKLINE>
    dL/da = lambda g, b: g * b
    dL/db = lambda g, a: g * a
    <BLANKLINE>
    NUMPY TWIN AND KERNEL
    <BLANKLINE>
    None: it is NumPy already.
    """
    op, function = found(what)
    parts = []
    if op is not None:
        parts += [*of_operation(op)]
    if function is not None:
        parts += [*of_function(function, "CALLED THROUGH" if op is not None else "SOURCE")]
    print("\n\n".join(fitted(part) for part in parts), file=file or sys.stdout)


# -- what a name stands for ------------------------------------------------------------------------------------------


def found(what: Any) -> tuple[Primitive | None, Callable[..., Any] | None]:
    """Return the operation of this name or function, and the function of ring 1 of this name; one may be None."""
    if isinstance(what, Primitive):
        return what, None
    if callable(what) and not isinstance(what, type):
        function = what if hasattr(what, "op") else inspect.unwrap(what)
        op, name = getattr(function, "op", None), function.__name__
        known = operations().get(name), functions().get(name)
        if function in known or (op is not None and op is getattr(known[0], "op", None)):
            return getattr(known[0], "op", None), known[1]
        if op is not None or inspect.isfunction(function):
            return op, function if op is None else None
    if not isinstance(what, str):
        raise ArgumentError(f"explain: got {what!r}, expected an operation or a function, or its name")
    name = what.rpartition(".")[2]
    op, function = operations().get(name), functions().get(name)
    if op is None and function is None:
        from difflib import get_close_matches

        near = get_close_matches(name, {*operations(), *functions()}, n=5)
        hint = f"did you mean {' or '.join(near)}?" if near else "minidl.ops.__all__ lists the operations"
        raise ArgumentError(f"explain: there is no operation or function {what!r}; {hint}")
    return getattr(op, "op", None), function


def operations() -> dict[str, Any]:
    """Return the operations of ring 0 by name."""
    from . import ops

    return {name: getattr(ops, name) for name in ops.__all__}


@lru_cache
def functions() -> dict[str, Any]:
    """Return the public functions of ring 1 by name."""
    import minidl

    from . import functions as ring

    modules = [getattr(ring, name) for name in ring.__all__]
    places: list[Any] = [minidl, minidl.nn.functional, minidl.Tensor]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and any(getattr(place, name, None) is value for place in places)
    }


# -- the sections ----------------------------------------------------------------------------------------------------


def of_operation(op: Primitive) -> Iterator[str]:
    """Yield the sections about an operation."""
    kind = "a fused operation" if isinstance(op, Fused) else "a primitive"
    yield f"{signature(op)}: {kind} of {place(op.forward)}"
    formula = [op.forward, *helpers([op.forward])]
    yield "FORMULA"
    yield from map(source, formula)
    yield f"DERIVATIVE, from {', '.join(op.cotangents)} = dL/d({', '.join(op.outputs)})"
    yield derivative(op)
    if isinstance(op, Fused):
        yield source(op.run)
    yield from map(source, helpers(rule_functions(op), formula))
    stems = kernel_files(op)
    if not stems:
        yield "NUMPY TWIN AND KERNEL"
        yield "None: it is NumPy already."
    for stem in stems:
        yield f"NUMPY TWIN: minidl/reference/{stem}.py"
        yield text_of(os.path.join(PACKAGE, "reference", f"{stem}.py")).strip()
        yield from of_kernel(stem)


def of_kernel(stem: str) -> Iterator[str]:
    """Yield the source of a kernel, or where the sources are not installed, what the compiled one says of itself."""
    path = os.path.join(KERNELS, f"{stem}.pyx")
    text = text_of(path) if os.path.isfile(path) else ""
    if f"minidl/reference/{stem}.py" in text:  # it is ours: a kernel names its twin
        yield f"KERNEL: kernels/{stem}.pyx"
        yield text.strip()
        return
    yield f"KERNEL: kernels/{stem}.pyx, in the source tree (and in the sdist); the compiled one says:"
    try:
        compiled = import_module(f"minidl._kernels.{stem}")
    except ImportError:
        yield "It is not compiled here; the twin runs."
        return
    for name, function in vars(compiled).items():
        if callable(function) and name.startswith(f"{stem}_") and function.__doc__:
            yield f"{name}\n{textwrap.indent(inspect.cleandoc(function.__doc__), '    ')}"


def of_function(function: Callable[..., Any], heading: str) -> Iterator[str]:
    """Yield the sections about a function that is composed of operations."""
    yield f"{heading}: {function.__name__} of {place(function)}"
    yield source(function)
    public = functions().values()
    uses = dict.fromkeys(name for name, value in globals_of(function) if hasattr(value, "op") or value in public)
    yield f"It uses: {', '.join(uses)}." if uses else "It uses operators alone."


# -- sources ---------------------------------------------------------------------------------------------------------


def signature(op: Primitive) -> str:
    """Return name and arguments, without the types."""
    parameters = [p.replace(annotation=p.empty) for p in inspect.signature(op.forward).parameters.values()]
    return f"{op.name}{inspect.Signature(parameters)}"


def text_of(path: str) -> str:
    """Return what stands in a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def place(function: Any) -> str:
    """Return the file of a function, from the package's folder on."""
    file = inspect.unwrap(function).__code__.co_filename
    if file.startswith(PACKAGE + os.sep):
        return os.path.relpath(file, TREE).replace(os.sep, "/")
    return os.path.basename(file)


def source(function: Any) -> str:
    """Return the source text of a function; of a lambda its own expression alone."""
    code = function.__code__
    try:
        if code.co_name != "<lambda>":
            return textwrap.dedent(inspect.getsource(function)).strip()
        return next(lambdas(code))
    except (OSError, StopIteration):
        return f"{function.__name__} (its source is not available)"


def lambdas(code: CodeType) -> Iterator[str]:
    """Yield the source of the lambda with this code: several may begin in a line, so its column decides."""
    import ast

    text = "".join(linecache.getlines(code.co_filename))
    spans = set(code.co_positions())
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno:
            body = node.body
            if (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in spans:
                yield " ".join((ast.get_source_segment(text, node) or "").split())


@lru_cache(maxsize=32)
def parsed(text: str) -> Any:
    """Return the syntax tree of a source text."""
    import ast

    return ast.parse(text)


def rules(op: Any) -> list[tuple[str, str]]:
    """Return, for each input with a derivative, its name and the source of its rule; of a fused one, its kernel's."""
    if isinstance(op, Fused):
        return [(", ".join(op.inputs), source(op.kernel_vjp))]
    if isinstance(op, Primitive):
        return [(name, source(rule)) for name, rule in op.rules.items()]
    return [("", source(op.backward))] if hasattr(op, "backward") else []


def derivative(op: Primitive) -> str:
    """Return the rules, one to a line."""
    if not op.rules and not isinstance(op, Fused):
        return "None: no gradient flows through it."
    lines = []
    for name, text in rules(op):
        if text.startswith(("lambda", "<lambda>")):
            lines.append(f"dL/d{name} = {text}")
        elif isinstance(op, Fused):
            lines.append(f"By the kernel; a second derivative differentiates the formula above.\n\n{text}")
        else:
            lines.append(f"dL/d{name} =\n\n{text}\n")
    return "\n".join(lines)


def helpers(functions: Sequence[Any], known: Sequence[Any] = ()) -> list[Any]:
    """Return the functions beside these that they call, in the order in which they are met, without the known ones."""
    met: list[Any] = []
    queue = list(functions)
    while queue:
        for _, value in globals_of(function := queue.pop(0)):
            near = inspect.isfunction(value) and value.__module__ == function.__module__ and not hasattr(value, "op")
            if near and value not in (*functions, *known, *met):
                met.append(value)
                queue.append(value)
    return met


def rule_functions(op: Primitive) -> list[Any]:
    """Return what computes the derivative: the rules, or a fused operation's kernels' callers."""
    return [op.kernel_vjp, op.run] if isinstance(op, Fused) else list(op.rules.values())


def kernel_files(op: Primitive) -> list[str]:
    """Return the files, without ending, of the kernels that an operation calls."""
    functions = [op.forward, *rule_functions(op)]
    called = [name for function in functions for name in names_in(function.__code__) if name.startswith("kernels.")]
    files = sorted(os.listdir(os.path.join(PACKAGE, "reference")))
    stems = [file.removesuffix(".py") for file in files if file.endswith(".py") and not file.startswith("_")]
    return [stem for stem in stems if any(name.startswith(f"kernels.{stem}_") for name in called)]


def globals_of(function: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names of the module's, or of another module's, that a function looks up, with what they stand for."""
    for name in names_in(function.__code__):
        root, _, attribute = name.partition(".")
        value = function.__globals__.get(root)
        if attribute and isinstance(value, ModuleType) and root != "kernels":
            yield name, getattr(value, attribute, None)
        elif value is not None:
            yield name, value


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the global names in a code object and those inside it, with an attribute that is asked of them at once."""
    name = ""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            name = instruction.argval
        elif name:
            attribute = instruction.opname in ("LOAD_ATTR", "LOAD_METHOD")
            yield f"{name}.{instruction.argval}" if attribute else name
            name = ""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def fitted(text: str) -> str:
    """Return source text with its longer lines broken: code is continued further in, prose flows into its next line."""
    lines, carry, prose = [], "", False
    for line, after in pairwise([*text.splitlines(), ""]):
        margin = line[: len(line) - len(line.lstrip())]
        prose ^= line.count('"""') == 1
        code = line.lstrip().startswith(">>>") or not (prose or '"""' in line)
        full = f"{margin}{carry} {line.lstrip()}" if carry else line
        indent = margin + " " * 8 * code
        pieces = textwrap.wrap(full, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        pieces = pieces if len(full) > WIDTH else [full]
        carry = pieces.pop().strip() if len(pieces) > 1 and not code and goes_on(line, after) else ""
        lines += pieces
    return "\n".join(lines)


def goes_on(line: str, after: str) -> bool:
    """Was a line of prose broken because the first word of the next did not fit?"""
    word = after.split(maxsplit=1)[0] if after.strip() else ":"
    return not word.endswith(":") and not line.endswith('"""') and len(line) + 1 + len(word) > SOURCE_WIDTH
