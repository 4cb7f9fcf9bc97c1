"""The house stands as it was drawn: which file may import which, and which operations there are, each with a reason."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import minidl
from minidl import ops

PACKAGE = Path(minidl.__file__).parent

# Each part may import its own and earlier lines. A new part needs a place here.
ORDER = [
    {"errors"},
    {"dtypes", "devices", "reference", "_kernels"},
    {"autograd", "threads"},
    {"refusals"},
    {"operation", "random"},
    {"ops"},
    {"functions"},
    {"_text", "tensor", "function"},
    {"files", "progress", "cuda", "linalg"},
    {"safetensors"},
    {"serialization"},
    {"nn", "optim", "metrics", "data", "testing"},
    {"page", "plots", "capture", "explain"},
    {"linter", "search"},
    {"training", "onnx"},
    {"keras", "models"},
    {"tf"},
    {"demo"},
    {"runs"},
    {"serve"},
    {"cli"},
    {"__main__", "__init__"},
]
PLACE = {part: place for place, parts in enumerate(ORDER) for part in parts}

# Ring 2 and above use public names; only what shows the engine's inside looks at it.
OUTSIDE = {
    "nn", "optim", "metrics", "data", "files", "safetensors", "serialization", "progress", "plots", "cuda", "linter",
    "training", "search", "keras", "models", "tf", "onnx", "demo", "runs", "serve", "cli", "__main__",
}  # fmt: skip
INSIDE = {"operation", "refusals", "ops", "_kernels", "reference"}
NAMES_ONLY = {"nn/functional.py"}  # gives names of ring 0 a second home
CALL_KERNELS = {"optim"}  # the rule of an optimizer has no derivative: between it and its kernel no operation is needed


def imports(path: Path) -> set[str]:
    """Return the parts of minidl that a file imports, at its head or inside; not those for type checking alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node) for block in ast.walk(tree) if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }  # fmt: skip
    package = path.relative_to(PACKAGE).parts[:-1]
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found.update(name.name.split(".")[1] for name in node.names if name.name.startswith("minidl."))
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                start = package[: len(package) - node.level + 1]
            elif (node.module or "").split(".")[0] == "minidl":
                start = ()
            else:
                continue
            module = (node.module or "").removeprefix("minidl").strip(".").split(".")
            full = [*start, *[part for part in module if part]]
            found.update([full[0]] if full else [name.name for name in node.names if name.name in PLACE])
    return found


FILES = sorted(path for path in PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    assert part in PLACE, f"{part} has no place in ORDER"
    upwards = {other for other in imports(path) if PLACE[other] > PLACE[part]}
    assert not upwards, f"{path.name} imports {upwards}, which stand above it"
    if part in OUTSIDE and str(path.relative_to(PACKAGE)) not in NAMES_ONLY:
        inside = imports(path) & INSIDE - ({"_kernels"} if part in CALL_KERNELS else set())
        assert not inside, f"{path.name} is outside the engine and imports {inside}"


def test_functions_are_composed() -> None:
    """No derivative and no kernel in ring 1."""
    for path in (PACKAGE / "functions").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not imports(path) & {"_kernels", "reference"}
        assert "defvjp" not in text and "@primitive" not in text and "@fused" not in text, path.name


def test_derivatives_are_in_ops() -> None:
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        entered = [
            node for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "defvjp"
        ]  # fmt: skip
        assert not entered or part_of(path) in ("ops", "operation"), path


# -- the closed list -------------------------------------------------------------------------------------------------

# Why an operation has a derivative, or a forward, of its own and is not composed of others.
REASONS = {
    # the engine itself is made with these
    "identity": "a fused operation's formula begins at it",
    "cast": "promotion is made of it",
    "sum_to": "undoes broadcasting",
    "broadcast_to": "the adjoint of sum_to and of sum",
    "zeros_like": "the slope of what is constant in pieces",
    # arithmetic, an operator each
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div": "a / b",
    "floor_divide": "a // b",
    "remainder": "a % b",
    "fmod": "exact, with the sign of a",
    "neg": "-x",
    "pow": "a ** b",
    # functions with a formula for their slope
    "exp": "its own slope",
    "expm1": "exact near 0, where exp(x) - 1 is not",
    "log": "slope 1 / x",
    "log1p": "exact near 0, where log(1 + x) is not",
    "log2": "exact for powers of 2, where a quotient of logarithms is not",
    "log10": "exact for powers of 10 in float64, where a quotient of logarithms is not",
    "logaddexp": "no overflow, and a slope without the kink of a maximum",
    "sqrt": "exact, unlike x ** 0.5 at 0",
    "sin": "slope cos",
    "cos": "slope -sin",
    "hypot": "no overflow of a square",
    "asin": "no formula in the others",
    "acos": "no formula in the others",
    "atan2": "no formula in the others",
    "sinh": "exact near 0, where the exponentials cancel",
    "cosh": "the slope of sinh",
    "asinh": "exact near 0 and below, where the terms cancel",
    "acosh": "no overflow of the square",
    "tanh": "slope from the output; no overflow",
    "sigmoid": "slope from the output; no overflow",
    "relu_dx": "the slope of relu in one pass",
    "tanh_dx": "the slope of tanh in one pass",
    "sigmoid_dx": "the slope of sigmoid in one pass",
    "erf": "no formula in the others",
    "erfc": "exact for large x, where 1 - erf(x) is not",
    "abs": "slope sign(x)",
    "relu": "one pass, slope from the output",
    "gelu": "one pass and one array kept, not twenty passes",
    "silu": "one pass and one array kept, not eight passes",
    # constant in pieces
    "sign": "the slope of abs",
    "copysign": "sees the sign of -0.0, which no comparison does",
    "floor": "rounding",
    "ceil": "rounding",
    "round": "rounding",
    "trunc": "rounding",
    # choices
    "where": "choice by a mask; the slope of every other choice",
    "maximum": "choice by value, NaN passes, ties are shared",
    "minimum": "choice by value, NaN passes, ties are shared",
    # comparison and logic: boolean
    "eq": "a == b",
    "ne": "a != b",
    "lt": "a < b",
    "le": "a <= b",
    "gt": "a > b",
    "ge": "a >= b",
    "logical_and": "of any numbers",
    "logical_or": "of any numbers",
    "logical_not": "of any number",
    "bitwise_and": "a & b",
    "bitwise_or": "a | b",
    "bitwise_xor": "a ^ b",
    "bitwise_left_shift": "a << b",
    "bitwise_right_shift": "a >> b",
    "bitwise_not": "~x",
    "isnan": "x != x, by name",
    "isinf": "no comparison with a constant of every type",
    "isfinite": "one pass",
    # reductions
    "sum": "the adjoint of broadcasting",
    "mean": "one pass, divides before it spreads",
    "amax": "ties share the slope",
    "amin": "ties share the slope",
    "argmax": "an index",
    "argmin": "an index",
    "argsort": "indices, in order",
    "cumsum": "its adjoint is a cumsum from the end",
    "all": "boolean",
    "any": "boolean",
    "softmax": "stable by the maximum, slope from the output",
    "log_softmax": "stable by the maximum, slope from the output",
    "softmax_dx": "the slope of softmax in one pass",
    "log_softmax_dx": "the slope of log_softmax in one pass",
    # rearranging
    "reshape": "a view",
    "permute": "a view",
    "copy": "memory of its own",
    "cat": "pieces into one",
    "stack": "pieces along a new dimension",
    "diagonal": "a view",
    "diagonal_dx": "the adjoint of diagonal",
    # indices
    "getitem": "x[index]",
    "place": "the adjoint of getitem",
    "setitem": "x[index] = value",
    "cleared": "the adjoint of setitem",
    # products
    "matmul": "bilinear",
    "linear": "the chapter's y = f(xW + b) in one kernel",
    "addmm": "the same with W stored as it is printed, as Keras stores it: no transpose to record",
    "conv2d": "trilinear with its two adjoints",
    "conv2d_dx": "the adjoint of conv2d by its input",
    "conv2d_dw": "the adjoint of conv2d by its weight",
    # linear algebra, by LAPACK
    "solve": "a y = b without the inverse",
    "det": "slope cofactor, also where it is 0",
    "cofactor": "the slope of det, of singular matrices too",
    "cholesky": "L from L Lᵀ",
    "svd": "singular values, for the norms of a matrix",
    # with kernels of their own
    "max_pool2d": "the choice in each window is remembered",
    "avg_pool2d": "linear, the windows given by their bounds",
    "avg_pool2d_dx": "the adjoint of avg_pool2d",
    "scatter_planes": "the adjoint of choosing in planes",
    "gather_planes": "the adjoint of scatter_planes",
    "rnn": "all time steps in one call",
    "lstm": "all time steps in one call",
    "gru": "all time steps in one call",
    "layer_norm": "stable in two passes, slope through mean and variance",
    "channel_affine": "what batch_norm is with given statistics, in one pass",
    "rms_norm": "layer_norm without the mean, in one pass",
    "batch_norm": "stable in two passes, slope through mean and variance",
    "attention": "never stores the weights of all queries and keys",
    "binary_cross_entropy": "logarithm and slope are cut off at p = 0 and 1, each elsewhere",
    "cross_entropy": "slope softmax - onehot, exact where softmax is 1",
}


def test_the_list_of_operations_is_closed() -> None:
    """A new primitive is a decision: it comes with its reason, a line here."""
    assert set(ops.__all__) == set(REASONS)


def test_every_operation_made_is_in_the_list() -> None:
    made = set()
    for path in (PACKAGE / "ops").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                decorators = {ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list}
                if decorators & {"primitive", "elementwise", "fused"}:
                    made.add(node.name)
    assert made | {"identity", "cast", "sum_to", "broadcast_to"} == set(ops.__all__)


# -- what loads when -------------------------------------------------------------------------------------------------


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that are loaded after this code has run in a fresh Python."""
    code = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return set(done.stdout.split())


HEAVY = {"scipy", "matplotlib", "safetensors", "PIL", "tqdm", "torch", "pandas", "sklearn",
         "onnx", "starlette", "uvicorn"}  # fmt: skip


def test_import_loads_nothing_heavy() -> None:
    assert not loaded_by("import minidl") & HEAVY


def test_a_training_step_of_the_main_job_loads_nothing_heavy() -> None:
    code = """
import minidl
nn = minidl.nn
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = minidl.optim.SGD(net.parameters(), lr=0.01)
loss = nn.CrossEntropyLoss()(net(minidl.rand(16, 1, 28, 28)), minidl.randint(0, 10, (16,)))
loss.backward()
optimizer.step()
"""
    assert not loaded_by(code) & HEAVY


def test_no_file_imports_what_is_kept_out() -> None:
    """Never at run time: other frameworks."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not {name.partition(".")[0] for name in names} & {"torch", "tensorflow", "jax", "onnxruntime"}, path
