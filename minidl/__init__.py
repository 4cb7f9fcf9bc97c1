"""minidl: the deep-learning framework you can read.

PyTorch's names and semantics, every formula in the open, on NumPy with compiled kernels. Start at README.md; the engine
is autograd.py, the table of derivatives ops/, the layers nn/.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# isort: off
from .tensor import Tensor  # before the function tensor, which then takes the name minidl.tensor

# isort: on
from ._kernels import use_kernels
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .capture import capture
from .devices import device
from .dtypes import bool_ as bool
from .dtypes import (
    double,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
)
from .explain import explain
from .functions.activation import (
    celu,
    celu_,
    hardshrink,
    prelu,
    relu_,
    rrelu,
    rrelu_,
    selu,
    selu_,
    threshold,
    threshold_,
)
from .functions.arithmetic import (
    add,
    allclose,
    clamp,
    div,
    equal,
    floor_divide,
    isclose,
    masked_fill,
    reciprocal,
    remainder,
    round,
    rsqrt,
    square,
    sub,
    where,
)
from .functions.creation import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from .functions.diagonals import (
    diag,
    diag_embed,
    diagflat,
    diagonal,
    tril,
    tril_indices,
    triu,
    triu_indices,
)
from .functions.drawing import (
    bernoulli,
    multinomial,
    normal,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
)
from .functions.indexing import (
    argwhere,
    gather,
    index_select,
    masked_select,
    nonzero,
    take,
    take_along_dim,
)
from .functions.joining import (
    cat,
    chunk,
    column_stack,
    dsplit,
    dstack,
    hsplit,
    hstack,
    meshgrid,
    split,
    split_with_sizes,
    stack,
    tensor_split,
    unbind,
    vsplit,
    vstack,
)
from .functions.ordering import (
    argsort,
    bucketize,
    kthvalue,
    mode,
    msort,
    searchsorted,
    sort,
    topk,
)
from .functions.products import addmm, bmm, dot, einsum, matmul, mm, mv, outer
from .functions.reductions import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    cumsum,
    logsumexp,
    max,
    mean,
    min,
    norm,
    std,
    sum,
    var,
)
from .functions.repeating import (
    flip,
    fliplr,
    flipud,
    repeat_interleave,
    roll,
    rot90,
    tile,
)
from .functions.scattering import (
    index_add,
    index_copy,
    index_fill,
    index_put,
    masked_scatter,
    put,
    scatter,
    scatter_add,
    scatter_reduce,
)
from .functions.sets import (
    isin,
    unique,
    unique_consecutive,
)
from .functions.shaping import (
    Size,
    adjoint,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_shapes,
    broadcast_tensors,
    broadcast_to,
    clone,
    flatten,
    moveaxis,
    movedim,
    narrow,
    permute,
    ravel,
    reshape,
    select,
    squeeze,
    swapaxes,
    t,
    transpose,
    unflatten,
    unsqueeze,
)
from .functions.softmax import log_softmax, softmax
from .ops import (
    abs,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    ceil,
    cos,
    eq,
    erf,
    exp,
    expm1,
    floor,
    ge,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    lt,
    maximum,
    minimum,
    mul,
    ne,
    neg,
    pow,
    relu,
    sigmoid,
    sign,
    sin,
    sqrt,
    tanh,
    trunc,
)
from .random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state

concat = concatenate = cat
row_stack = vstack
swapdims = transpose
clip = clamp
true_divide = div
absolute = abs
inf = float("inf")
nan = float("nan")
pi = 3.141592653589793

__version__ = "0.1.0"

__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "abs",
    "absolute",
    "add",
    "addmm",
    "adjoint",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "argwhere",
    "as_tensor",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "autograd",
    "bernoulli",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "bool",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "bucketize",
    "capture",
    "cat",
    "ceil",
    "celu",
    "celu_",
    "chunk",
    "clamp",
    "clip",
    "clone",
    "column_stack",
    "concat",
    "concatenate",
    "cos",
    "cuda",
    "cumsum",
    "data",
    "device",
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "div",
    "dot",
    "double",
    "dsplit",
    "dstack",
    "einsum",
    "empty",
    "empty_like",
    "enable_grad",
    "eq",
    "equal",
    "erf",
    "errors",
    "exp",
    "explain",
    "expm1",
    "eye",
    "fit",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "float16",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "functions",
    "gather",
    "ge",
    "get_default_dtype",
    "get_num_threads",
    "get_rng_state",
    "gt",
    "half",
    "hardshrink",
    "hsplit",
    "hstack",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_select",
    "inf",
    "inference_mode",
    "initial_seed",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "is_tensor",
    "isclose",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "kthvalue",
    "le",
    "linspace",
    "load",
    "log",
    "log1p",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logspace",
    "logsumexp",
    "long",
    "lt",
    "manual_seed",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "matmul",
    "max",
    "maximum",
    "mean",
    "meshgrid",
    "metrics",
    "min",
    "minimum",
    "mm",
    "mode",
    "moveaxis",
    "movedim",
    "msort",
    "mul",
    "multinomial",
    "mv",
    "nan",
    "narrow",
    "ne",
    "neg",
    "nn",
    "no_grad",
    "nonzero",
    "norm",
    "normal",
    "numel",
    "ones",
    "ones_like",
    "ops",
    "optim",
    "outer",
    "permute",
    "pi",
    "pow",
    "prelu",
    "promote_types",
    "put",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "ravel",
    "reciprocal",
    "reference",
    "relu",
    "relu_",
    "remainder",
    "repeat_interleave",
    "reshape",
    "roll",
    "rot90",
    "round",
    "row_stack",
    "rrelu",
    "rrelu_",
    "rsqrt",
    "save",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "search",
    "searchsorted",
    "seed",
    "select",
    "selu",
    "selu_",
    "set_default_dtype",
    "set_grad_enabled",
    "set_num_threads",
    "set_rng_state",
    "short",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "sort",
    "split",
    "split_with_sizes",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "sum",
    "swapaxes",
    "swapdims",
    "t",
    "take",
    "take_along_dim",
    "tanh",
    "tensor",
    "tensor_split",
    "testing",
    "threshold",
    "threshold_",
    "tile",
    "topk",
    "training",
    "transpose",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
    "true_divide",
    "trunc",
    "uint8",
    "unbind",
    "unflatten",
    "unique",
    "unique_consecutive",
    "unsqueeze",
    "use_kernels",
    "var",
    "vsplit",
    "vstack",
    "where",
    "zeros",
    "zeros_like",
]

# What loads when it is first touched: name -> the module that holds it, or the module of that name.
_lazy = {
    "save": "serialization",
    "load": "serialization",
    "set_num_threads": "threads",
    "get_num_threads": "threads",
    "fit": "training",
}
_modules = (
    "autograd", "cuda", "data", "errors", "functions", "metrics", "nn", "ops", "optim", "reference", "search",
    "testing", "training",
)  # fmt: skip

if _TYPE_CHECKING:
    from . import autograd, cuda, data, errors, functions, metrics, nn, ops, optim, reference, search, testing, training
    from .serialization import load, save
    from .threads import get_num_threads, set_num_threads
    from .training import fit


def is_tensor(obj: _Any) -> bool:  # type: ignore[valid-type]
    """Return whether an object is a Tensor.

    >>> import minidl
    >>> minidl.is_tensor(minidl.ones(1))
    True
    """
    return isinstance(obj, Tensor)


def numel(input: _Any) -> int:
    """Return the number of elements.

    >>> import minidl
    >>> minidl.numel(minidl.ones(2, 3))
    6
    """
    return functions._arguments.array_in(input).size


def __getattr__(name: str) -> _Any:
    if name in _lazy:
        value = getattr(_import_module(f".{_lazy[name]}", __name__), name)
    elif name in _modules:
        value = _import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module 'minidl' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({name for name in (*globals(), *_lazy, *_modules) if not name.startswith("_")})
