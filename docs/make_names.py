"""Write names.md: every public name, its formula, the kernel behind it, its counterpart in PyTorch and any difference.

All of it is read from the code: the formula is the head of a docstring, a difference a sentence in it that begins with
"Unlike PyTorch", a kernel is found by following what a function calls. Run `python docs/make_names.py` after a change
of a public name; the tests compare the page with the code.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import minidl
from minidl import _kernels as kernels

PAGE = Path(__file__).with_name("names.md")
PACKAGE = Path(minidl.__file__).parent


def of_keras(module: str, *more: str) -> list[str]:
    """Return the public names of a module of minidl.keras: its table of classes, `get`, and some more."""
    return [*importlib.import_module(f"minidl.keras.{module}").CLASSES, "get", *more]


# Our module -> PyTorch's, what it holds, and its public names where __all__ does not say.
MODULES: dict[str, tuple[str, str, Any]] = {
    "minidl": ("torch", "Functions", None),
    "minidl.linalg": ("torch.linalg", "Linear algebra", None),
    "minidl.nn.functional": ("torch.nn.functional", "Functions behind layers", None),
    "minidl.nn": ("torch.nn", "Layers, losses and containers", None),
    "minidl.nn.init": ("torch.nn.init", "Initial values", lambda name: name.endswith("_") or name == "calculate_gain"),
    "minidl.nn.utils": ("torch.nn.utils", "Helpers for parameters", None),
    "minidl.nn.utils.rnn": ("torch.nn.utils.rnn", "Sequences of different lengths", None),
    "minidl.optim": ("torch.optim", "Optimizers", None),
    "minidl.optim.lr_scheduler": ("torch.optim.lr_scheduler", "Learning-rate schedules", None),
    "minidl.optim.swa_utils": ("torch.optim.swa_utils", "Averages of weights", None),
    "minidl.autograd": (
        "torch.autograd", "Gradients",
        ["Function", "backward", "enable_grad", "grad", "gradcheck", "gradgradcheck", "inference_mode",
         "is_grad_enabled", "no_grad", "set_grad_enabled"],
    ),
    "minidl.data": ("", "Data", None),
    "minidl.data.transforms": ("", "Transforms of samples", lambda name: name[0].isupper()),
    "minidl.training": ("", "Training", ["EarlyStopping", "History", "Training", "evaluate", "fit", "show_loop"]),
    "minidl.linter": ("", "Mistakes in training", ["Linter", "LinterWarning"]),
    "minidl.search": (
        "", "Choosing parameters", ["Results", "grid", "integers", "log_uniform", "random", "run", "uniform"],
    ),
    "minidl.metrics": ("", "Evaluation", None),
    "minidl.models": ("", "Reference models", None),
    "minidl.tf": ("", "TensorFlow's names", None),
    "minidl.keras": ("", "Keras's models", ["Input", "Model", "Sequential"]),
    "minidl.keras.layers": ("", "Keras's layers", None),
    "minidl.keras.losses": ("", "Keras's losses", of_keras("losses", "Loss", "KerasWarning")),
    "minidl.keras.metrics": ("", "Keras's metrics", of_keras("metrics", "Metric")),
    "minidl.keras.optimizers": ("", "Keras's optimizers", of_keras("optimizers", "Optimizer")),
    "minidl.keras.callbacks": (
        "", "Keras's callbacks",
        ["Callback", "EarlyStopping", "History", "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint",
         "ReduceLROnPlateau", "TerminateOnNaN"],
    ),
    "minidl.keras.initializers": ("", "Keras's initial values", ["get"]),
    "minidl.keras.activations": ("", "Keras's activations", ["get"]),
    "minidl.keras.saving": ("", "Keras's files", ["load_model", "register_keras_serializable"]),
    "minidl.keras.utils": ("", "Keras's helpers", ["clear_session", "set_random_seed", "to_categorical"]),
    "minidl.onnx": ("torch.onnx", "Other programs", ["export"]),
    "minidl.safetensors": ("", "Weights in files", ["load_file", "load_metadata", "save_file"]),
    "minidl.operation": ("", "New operations", ["primitive"]),
    "minidl.errors": ("", "Errors", ["MinidlError"]),
}  # fmt: skip

OF_PYTORCHS_DATA = (
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler",
    "Sampler", "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset",
    "WeightedRandomSampler", "default_collate", "get_worker_info", "random_split",
)  # fmt: skip

# Names beside PyTorch's that PyTorch does not have, or has elsewhere: its name, or an empty string.
ELSEWHERE = {
    "minidl.autograd.enable_grad": "torch.enable_grad",
    "minidl.autograd.inference_mode": "torch.inference_mode",
    "minidl.autograd.is_grad_enabled": "torch.is_grad_enabled",
    "minidl.autograd.no_grad": "torch.no_grad",
    "minidl.autograd.set_grad_enabled": "torch.set_grad_enabled",
    "minidl.capture": "",
    "minidl.explain": "",
    "minidl.fit": "",
    "minidl.use_kernels": "",
    **{f"minidl.data.{name}": f"torch.utils.data.{name}" for name in OF_PYTORCHS_DATA},
}


def public() -> dict[str, Any]:
    """Return the public functions and classes by their full names."""
    found = {}
    for module_name, (_, _, which) in MODULES.items():
        module = importlib.import_module(module_name)
        if which is None:
            names = list(module.__all__)
        elif isinstance(which, list):
            names = which
        else:
            own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module_name]
            names = [name for name in own if not name.startswith("_") and which(name)]
        for name in names:
            value = getattr(module, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                found[f"{module_name}.{name}"] = value
    return found


def counterpart(name: str) -> str:
    """Return PyTorch's name for one of ours, empty where it has none."""
    module, _, last = name.rpartition(".")
    theirs = MODULES[module][0]
    return ELSEWHERE.get(name, f"{theirs}.{last}" if theirs else "")


def summary(value: Any) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())


def difference(value: Any) -> str:
    """Return the sentence of a docstring that says where we part from PyTorch."""
    text = " ".join((inspect.getdoc(value) or "").partition(">>>")[0].split())
    said = re.search(r"Unlike PyTorch.*?[.:](?= |$)", text)
    return said[0] if said else ""


# -- what a function calls -------------------------------------------------------------------------------------------


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code object and those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def called(function: Any) -> set[Any]:
    """Return the kernels (by name) and the functions of minidl that a function names."""
    if hasattr(function, "op"):
        record = function.op
        parts = [record.forward, record.run, getattr(record, "kernel_vjp", None), *record.rules.values()]
        return {part for part in parts if part is not None}
    if inspect.isclass(function):
        bases = [base for base in function.__mro__ if base.__module__.startswith("minidl")]
        own = [base for base in bases if base is not minidl.nn.Module]
        return {value for base in own for value in vars(base).values() if inspect.isfunction(value)}
    function = inspect.unwrap(function)
    if not inspect.isfunction(function):
        return set()
    found: set[Any] = set()
    for code in codes(function.__code__):
        known = [function.__globals__.get(name) for name in code.co_names]
        modules = [value for value in known if inspect.ismodule(value) and value.__name__.startswith("minidl")]
        for name, value in zip(code.co_names, known, strict=True):
            if inspect.isfunction(value) and value.__module__.startswith("minidl"):
                found.add(value)
            for module in modules:
                if module is kernels:
                    found |= {name} if any(name.startswith(f"{file}_") for file in kernels._files) else set()
                elif inspect.isfunction(inner := vars(module).get(name)):
                    found.add(inner)
    return found


def kernels_behind(function: Any) -> list[str]:
    """Return the files of kernels that a function reaches, by all that it may call."""
    seen: set[Any] = set()
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += [] if isinstance(one, str) else list(called(one))
    names = [one for one in seen if isinstance(one, str)]
    return sorted({max((f for f in kernels._files if name.startswith(f"{f}_")), key=len) for name in names})


# -- sizes -----------------------------------------------------------------------------------------------------------


def lines_of(path: Path) -> int:
    """Return the lines of a file that hold code: no blank ones, comments or docstrings."""
    text = path.read_text(encoding="utf-8")
    told: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False):
            head = node.body[0]
            told.update(range(head.lineno, (head.end_lineno or head.lineno) + 1))
    rows = enumerate(text.splitlines(), 1)
    return sum(1 for number, row in rows if row.strip() and not row.strip().startswith("#") and number not in told)


def sizes(names: dict[str, Any]) -> list[str]:
    """Return the lines on how large the engine, the table of derivatives and all the rest are."""
    engine = sum(lines_of(PACKAGE / name) for name in ("autograd.py", "operation.py"))
    table = sum(map(lines_of, (PACKAGE / "ops").glob("*.py")))
    composed = sum(map(lines_of, (PACKAGE / "functions").glob("*.py")))
    inner = [name for name in names if name.rpartition(".")[0] in ("minidl", "minidl.linalg", "minidl.nn.functional")]
    layers = sum(map(lines_of, (PACKAGE / "nn").rglob("*.py")))
    modules = [name for name in names if name.rpartition(".")[0] == "minidl.nn"]
    return [
        f"- The engine: about {round(engine, -1)} lines of code in `autograd.py` and `operation.py`.",
        f"- The table of derivatives: {len(minidl.ops.__all__)} operations, a closed list, in about "
        f"{round(table, -2)} lines of `ops/`.",
        f"- Composed of these: `functions/`, about {round(composed, -2)} lines. {len(inner)} public functions stand on "
        f"both: {(table + composed) / len(inner):.0f} lines for each.",
        f"- Layers: {len(modules)} classes in about {round(layers, -2)} lines of `nn/`: "
        f"{layers / len(modules):.0f} lines for each.",
    ]


# -- the page --------------------------------------------------------------------------------------------------------


def cell(text: str) -> str:
    """Return a text as a cell of a table: bars are escaped, and what Markdown would read as marks."""
    return re.sub(r"([|*_<\[\]])", r"\\\1", text)


def rows(names: dict[str, Any], module: str) -> Iterator[str]:
    """Yield the rows of a module's table."""
    for full in sorted((name for name in names if name.rpartition(".")[0] == module), key=str.lower):
        value, last = names[full], full.rpartition(".")[2]
        behind = ", ".join(kernels_behind(value)) if module in KERNELS_SHOWN else ""
        theirs = counterpart(full)
        cells = [f"`{last}`", cell(summary(value)), behind, f"`{theirs}`" if theirs else "", cell(difference(value))]
        yield f"| {' | '.join(cells)} |"


def methods() -> Iterator[str]:
    """Yield the rows of Tensor's methods that are not functions above, and the names of those that are."""
    functions = {name for name in minidl.__all__ if inspect.isfunction(getattr(minidl, name))}
    names = [name for name in dir(minidl.Tensor) if not name.startswith("_")]
    names = [name for name in names if name not in minidl.autograd.Variable.__slots__]
    same = [name for name in names if name in functions]
    twins = [name for name in names if name.endswith("_") and name[:-1] in {*functions, *names}]
    yield f"Functions above that are methods too: {', '.join(f'`{name}`' for name in same)}."
    yield ""
    yield f"Their twins in place: {', '.join(f'`{name}`' for name in twins)}."
    yield ""
    yield from HEAD
    for name in names:
        if name not in same and name not in twins:
            value = inspect.getattr_static(minidl.Tensor, name)
            theirs = f"`torch.Tensor.{name}`" if name not in OURS_ALONE else ""
            yield f"| `{name}` | {cell(summary(value))} |  | {theirs} | {cell(difference(value))} |"


HEAD = ["| name | formula, or what it does | kernels | PyTorch | difference |", "|---|---|---|---|---|"]
KERNELS_SHOWN = ("minidl", "minidl.linalg", "minidl.nn.functional", "minidl.nn", "minidl.optim")
OURS_ALONE = ("array", "holding")  # methods of Tensor that PyTorch's does not have


def page() -> str:
    """Return the text of names.md."""
    names = public()
    lines = [
        "# Every public name",
        "",
        "This page is made from the code by `python docs/make_names.py`; the tests compare the two. A kernel is named "
        "by its file: `conv2d` is `kernels/conv2d.pyx` with its readable twin `minidl/reference/conv2d.py`.",
        "",
        "## How large it is",
        "",
        *sizes(names),
        "",
        "The operations that have a derivative of their own: "
        + ", ".join(f"`{name}`" for name in minidl.ops.__all__) + ".",
        "",
    ]  # fmt: skip
    for module, (_, title, _) in MODULES.items():
        lines += [f"## {title}: `{module}`", "", *HEAD, *rows(names, module), ""]
        if module == "minidl":
            lines += ["## Methods: `minidl.Tensor`", "", *methods(), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
