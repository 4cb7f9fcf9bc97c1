"""THE table: a row for each operation of minidl.ops, and for each of its options that has a path of its own.

From a row test_ops.py makes its tests: derivatives of every order by finite differences, both float types, all kernels,
layouts and sizes. An operation without a row fails the suite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minidl import ops
from minidl.ops.linear import swapped

Shape = tuple[int, ...]
Domain = Callable[[np.random.Generator, Shape], Any]

# -- where inputs come from: (random generator, shape) -> array ------------------------------------------------------


def real(rng: np.random.Generator, shape: Shape) -> Any:
    """Any number."""
    return rng.standard_normal(shape)


def nonzero(rng: np.random.Generator, shape: Shape) -> Any:
    """Numbers of either sign, away from a kink or a pole at 0."""
    return rng.uniform(0.3, 2.0, shape) * rng.choice([-1.0, 1.0], shape)


def positive(rng: np.random.Generator, shape: Shape) -> Any:
    """Numbers from 0.3 to 2."""
    return rng.uniform(0.3, 2.0, shape)


def probability(rng: np.random.Generator, shape: Shape) -> Any:
    """Numbers from 0.2 to 0.8."""
    return rng.uniform(0.2, 0.8, shape)


def between(rng: np.random.Generator, shape: Shape) -> Any:
    """Numbers away from the integers and from the halves."""
    return rng.integers(-3, 3, shape) + rng.choice([0.25, 0.75], shape) + rng.uniform(-0.1, 0.1, shape)


def spaced(offset: float = 0.0) -> Domain:
    """Numbers of which no two are close; those of another offset are not close to them either."""

    def draw(rng: np.random.Generator, shape: Shape) -> Any:
        n = int(np.prod(shape))
        return (rng.permutation(n) - n / 2).reshape(shape) * 0.3 + offset

    return draw


def boolean(rng: np.random.Generator, shape: Shape) -> Any:
    """True or False."""
    return rng.random(shape) < 0.5


def integers(high: int, low: int = 0) -> Domain:
    """Ints from low to high - 1."""
    return lambda rng, shape: rng.integers(low, high, shape)


def regular(rng: np.random.Generator, shape: Shape) -> Any:
    """Square matrices far from a singular one."""
    return rng.uniform(-0.5, 0.5, shape) + 2 * np.eye(shape[-1])


def definite(rng: np.random.Generator, shape: Shape) -> Any:
    """Symmetric positive definite matrices."""
    x = regular(rng, shape)
    return x @ x.mT


# -- rows ------------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """An operation: a function of its inputs, their domains, and the shapes to try, the first of them the smallest.

    `order` is the highest derivative to check, 0 where there is none; `note` tells apart the rows of one operation.
    """

    op: str
    function: Callable[..., Any]
    domains: tuple[Domain, ...]
    shapes: list[tuple[Shape, ...]]
    order: int = 3
    note: str = ""
    nan_passes: bool = True

    @property
    def name(self) -> str:
        return f"{self.op}-{self.note}" if self.note else self.op

    def inputs(self, shapes: tuple[Shape, ...], dtype: Any = np.float64, seed: int = 0) -> list[Any]:
        """Return arrays for the inputs, the floating ones of this dtype."""
        rng = np.random.default_rng(seed)
        drawn = [domain(rng, shape) for domain, shape in zip(self.domains, shapes, strict=True)]
        return [np.asarray(x, dtype if np.asarray(x).dtype.kind == "f" else None) for x in drawn]


UNARY: list[tuple[Shape, ...]] = [((3,),), ((),), ((2, 3),), ((1,),), ((0, 2),)]
BINARY: list[tuple[Shape, ...]] = [
    ((2,), (2,)), ((), ()), ((2, 1), (1, 3)), ((3,), (2, 3)), ((), (2,)), ((1,), (1,)), ((0, 2), (1, 2)),
]  # fmt: skip


def unary(op: str, domain: Domain = real, **more: Any) -> Row:
    return Row(op, getattr(ops, op), (domain,), UNARY, **more)


def binary(op: str, a: Domain = real, b: Domain = real, **more: Any) -> Row:
    return Row(op, getattr(ops, op), (a, b), BINARY, **more)


def by_number(op: str, domain: Domain, number: Any, first: bool = False, **more: Any) -> Row:
    """A row for an operation with a Python number as its second input (or as its first)."""
    function = getattr(ops, op)
    with_number = (lambda x: function(number, x)) if first else (lambda x: function(x, number))
    note = f"{number}-x" if first else f"x-{number}"
    return Row(op, with_number, (domain,), UNARY, note=note, **more)


ELEMENTWISE = [
    binary("add"),
    by_number("add", real, 2.0),
    binary("sub"),
    by_number("sub", real, 1.0, first=True),
    binary("mul"),
    by_number("mul", real, -3, first=True),
    binary("div", real, nonzero),
    by_number("div", nonzero, 2.0, first=True),
    by_number("div", real, 4),
    binary("floor_divide", between, integers(5, 2)),
    by_number("floor_divide", between, 2),
    binary("remainder", between, lambda rng, shape: rng.choice([-2.0, 2.0, 3.0], shape)),
    by_number("remainder", between, 2.0),
    binary("fmod", between, lambda rng, shape: rng.choice([-2.0, 2.0, 3.0], shape)),
    unary("neg"),
    binary("pow", positive, real),
    by_number("pow", nonzero, 2),
    by_number("pow", nonzero, 3),
    by_number("pow", positive, 0.5),
    by_number("pow", nonzero, -1),
    by_number("pow", nonzero, 0, nan_passes=False),
    by_number("pow", nonzero, 1),
    by_number("pow", real, 2.0, first=True),
    unary("exp"),
    unary("expm1"),
    unary("log", positive),
    unary("log1p", positive),
    unary("log2", positive),
    unary("log10", positive),
    binary("logaddexp"),
    unary("sqrt", positive),
    binary("hypot", nonzero, nonzero),
    unary("sinh"),
    unary("cosh"),
    unary("asinh"),
    unary("acosh", lambda rng, shape: rng.uniform(1.3, 3.0, shape)),
    unary("tanh"),
    unary("sigmoid"),
    unary("erf"),
    unary("erfc"),
    Row(
        "relu_dx", ops.relu_dx, (real, real), [((2,), (2,)), ((17, 16), (17, 16)), ((17, 16), (1, 16)), ((), ())],
        nan_passes=False,
    ),
    binary("tanh_dx"),
    Row("tanh_dx", ops.tanh_dx, (real, real), [((2,), (2,)), ((17, 16), (17, 16)), ((17, 16), (1, 16))], note="large"),
    binary("sigmoid_dx"),
    Row("sigmoid_dx", ops.sigmoid_dx, (real, real), [((2,), (2,)), ((270,), (270,)), ((270,), ())], note="large"),
    unary("silu"),
    unary("gelu", note="exact"),
    Row("gelu", partial(ops.gelu, approximate="tanh"), (real,), UNARY, note="tanh"),
    unary("sin"),
    unary("cos"),
    unary("asin", lambda rng, shape: rng.uniform(-0.8, 0.8, shape)),
    unary("acos", lambda rng, shape: rng.uniform(-0.8, 0.8, shape)),
    binary("atan2", nonzero, nonzero),
    unary("abs", nonzero),
    unary("sign", nonzero, nan_passes=False),
    binary("copysign", nonzero, nonzero, order=2, nan_passes=False),
    unary("floor", between),
    unary("ceil", between),
    unary("round", between),
    unary("trunc", between),
    unary("relu", nonzero),
    unary("zeros_like", nan_passes=False),
    binary("maximum", spaced(), spaced(0.1)),
    binary("minimum", spaced(), spaced(0.1)),
    by_number("maximum", nonzero, 0.0),
    by_number("minimum", nonzero, 0, first=True),
    Row(
        "where", ops.where, (boolean, real, real),
        [((3,), (3,), (3,)), ((), (), ()), ((2, 1), (1, 3), (3,)), ((2, 3), (), (3,)), ((2, 0), (2, 0), (1,))],
        nan_passes=False,
    ),
    Row(
        "where", lambda c, x: ops.where(c, x, 0.0), (boolean, real), BINARY, note="c-x-0", nan_passes=False,
    ),
    binary("eq", order=0, nan_passes=False),
    binary("ne", order=0, nan_passes=False),
    binary("lt", order=0, nan_passes=False),
    binary("le", order=0, nan_passes=False),
    binary("gt", order=0, nan_passes=False),
    binary("ge", order=0, nan_passes=False),
    binary("logical_and", boolean, boolean, order=0, nan_passes=False),
    binary("logical_or", boolean, boolean, order=0, nan_passes=False),
    unary("logical_not", boolean, order=0, nan_passes=False),
    binary("bitwise_and", integers(9, -9), integers(9, -9), order=0, nan_passes=False),
    binary("bitwise_or", integers(9, -9), integers(9, -9), order=0, nan_passes=False),
    binary("bitwise_xor", boolean, boolean, order=0, nan_passes=False),
    binary("bitwise_left_shift", integers(9, -9), integers(9), order=0, nan_passes=False),
    binary("bitwise_right_shift", integers(9, -9), integers(9), order=0, nan_passes=False),
    unary("bitwise_not", integers(9, -9), order=0, nan_passes=False),
    unary("isnan", order=0, nan_passes=False),
    unary("isinf", order=0, nan_passes=False),
    unary("isfinite", order=0, nan_passes=False),
]  # fmt: skip

MATRIX: list[tuple[Shape, ...]] = [((2, 2),), ((2, 3),), ((1, 1),)]
EMPTY: list[tuple[Shape, ...]] = [((0, 2),), ((2, 0),)]


def reduction(op: str, domain: Domain, empty: bool = True, **more: Any) -> list[Row]:
    """Rows for a reduction: of all, of one dimension, of two; with and without keepdim; of a 0-d input."""
    function = getattr(ops, op)
    shapes = MATRIX + EMPTY if empty else MATRIX
    return [
        Row(op, function, (domain,), [*shapes, ((),)], note="all", **more),
        Row(op, lambda x: function(x, dim=(1,)), (domain,), shapes, note="dim1", **more),
        Row(op, lambda x: function(x, dim=(0,), keepdim=True), (domain,), shapes, note="dim0-keep", **more),
        Row(op, lambda x: function(x, dim=(0, 2)), (domain,), [((2, 1, 2),), ((2, 3, 4),)], note="dim02", **more),
        Row(op, lambda x: function(x, keepdim=True), (domain,), MATRIX, note="all-keep", **more),
    ]


def choice(op: str) -> list[Row]:
    """Rows for argmax and argmin."""
    function = getattr(ops, op)
    options: list[dict[str, Any]] = [{}, {"dim": 1}, {"dim": 0, "keepdim": True}]
    return [
        Row(op, partial(function, **option), (spaced(),), MATRIX, 0, note=f"{option}", nan_passes=False)
        for option in options
    ]


REDUCTIONS = [
    *reduction("sum", real),
    *reduction("mean", real, empty=False),
    *reduction("amax", spaced(), empty=False),
    *reduction("amin", spaced(), empty=False),
    *reduction("all", boolean, order=0, nan_passes=False),
    *reduction("any", boolean, order=0, nan_passes=False),
    *choice("argmax"),
    *choice("argmin"),
    Row("argsort", lambda x: ops.argsort(x, dim=1), (spaced(),), MATRIX, 0, nan_passes=False),
    Row("argsort", lambda x: ops.argsort(x, dim=0, descending=True), (spaced(),), MATRIX, 0, "down", nan_passes=False),
    Row("cumsum", lambda x: ops.cumsum(x, dim=1), (real,), [*MATRIX, *EMPTY]),
    Row("softmax", lambda x: ops.softmax(x, dim=1), (real,), [*MATRIX, *EMPTY], note="dim1"),
    Row("softmax", lambda x: ops.softmax(x, dim=0), (real,), [((2, 1, 2),), ((2, 3, 4),)], note="dim0"),
    Row("log_softmax", lambda x: ops.log_softmax(x, dim=1), (real,), [*MATRIX, *EMPTY], note="dim1"),
    Row("log_softmax", lambda x: ops.log_softmax(x, dim=0), (real,), [((2, 1, 2),), ((2, 3, 4),)], note="dim0"),
    Row("softmax_dx", lambda g, y: ops.softmax_dx(g, y, dim=1), (real, real), [((2, 2), (2, 2)), ((2, 3), (2, 3))]),
    Row("log_softmax_dx", lambda g, y: ops.log_softmax_dx(g, y, dim=0), (real, real), [((2, 2), (2, 2))]),
]


def given(op: str, *shapes: Any, note: str = "", **options: Any) -> Row:
    """A row for an operation of real inputs with these options."""
    return Row(op, partial(getattr(ops, op), **options), (real,) * len(shapes[0]), list(shapes), note=note)


LINALG = [
    Row(
        "solve", ops.solve, (regular, real),
        [((2, 2), (2, 1)), ((3, 3), (3, 2)), ((2, 2, 2), (2, 1)), ((1, 1), (2, 1, 1))],
        nan_passes=False,
    ),
    Row("det", ops.det, (regular,), [((2, 2),), ((3, 3),), ((2, 2, 2),), ((1, 1),), ((0, 2, 2),)]),
    Row("cofactor", ops.cofactor, (regular,), [((2, 2),), ((3, 3),), ((2, 2, 2),), ((0, 2, 2),)]),
    Row(
        "cholesky", lambda x: ops.cholesky(0.5 * (x + swapped(x))), (definite,),
        [((2, 2),), ((3, 3),), ((2, 2, 2),), ((1, 1),)],
        nan_passes=False,
    ),
    Row(
        "svd", lambda x: ops.svd(x)[1], (real,), [((2, 2),), ((3, 2),), ((2, 3),), ((2, 2, 3),), ((0, 2, 2),)],
        order=2, nan_passes=False,
    ),
]  # fmt: skip


def indexed(index: Any, *shapes: Any, note: str) -> Row:
    """A row for getitem."""
    return given("getitem", *shapes, note=note, index=index)


ALL = slice(None)
SHAPING = [
    given("identity", *UNARY),
    given("copy", *UNARY),
    Row("cast", lambda x: ops.cast(x, dtype=x.dtype, source=x.dtype), (real,), UNARY),
    given("sum_to", ((2, 3),), ((2, 2, 3),), ((0, 3),), shape=(1, 3)),
    given("sum_to", *UNARY, note="0d", shape=()),
    given("broadcast_to", ((2, 1),), ((),), ((1, 2, 3),), shape=(2, 2, 3)),
    given("broadcast_to", ((1, 2),), ((),), ((0, 2),), note="empty", shape=(0, 2)),
    given("reshape", ((6,),), ((2, 3),), ((1, 6, 1),), shape=(3, 2)),
    given("reshape", ((1, 1),), ((),), note="0d", shape=()),
    given("reshape", ((0, 3),), note="empty", shape=(2, 0)),
    given("permute", ((1, 2, 2),), ((2, 3, 4),), ((2, 0, 1),), dims=(2, 0, 1)),
    given("permute", ((),), note="0d", dims=()),
    given("cat", ((2,), (1,)), ((2, 3), (1, 3)), ((0, 2), (1, 2)), dim=0),
    given("cat", ((1, 2), (1, 1), (1, 1)), ((2, 2), (2, 0), (2, 1)), note="dim1", dim=1),
    Row("cat", lambda a: ops.cat(a, a, dim=0), (real,), [((2,),), ((2, 2),)], note="itself"),
    given("stack", ((2,), (2,)), ((), ()), ((2, 3), (2, 3)), ((0,), (0,)), dim=0),
    given("stack", ((2,), (2,)), ((2, 3), (2, 3)), note="dim1", dim=1),
    given("diagonal", ((2, 2),), ((3, 2),), ((0, 2),), offset=0, dim1=0, dim2=1),
    given("diagonal", ((2, 1, 3),), note="above", offset=1, dim1=2, dim2=0),
    given("diagonal_dx", ((2,),), note="below", offset=-1, dim1=-2, dim2=-1, shape=(3, 3)),
    indexed((0, ...), ((2, 2),), ((2,),), ((1, 0),), note="int"),
    indexed((ALL, slice(0, 3, 2), ...), ((2, 3),), ((1, 4, 2),), note="slices"),
    indexed((None, ..., None), *UNARY, note="None"),
    indexed(np.array([0, 2, 0]), ((3,),), ((4, 2),), note="repeated"),
    indexed((np.array([0, 1]), np.array([1, 1])), ((2, 2),), ((3, 2, 2),), note="pairs"),
    indexed((ALL, np.array([True, False])), ((2, 2),), ((1, 2, 3),), note="mask"),
    given("place", ((2, 2),), note="slice", index=(slice(1, 3), ...), shape=(4, 2)),
    given("place", ((3,),), note="repeated", index=np.array([0, 2, 0]), shape=(3,)),
    given("place", ((1, 2, 2),), note="rows", index=np.array([[0, -1]]), shape=(3, 2)),
    given("place", ((2, 2),), note="pairs", index=(np.array([[0], [1]]), np.array([1, 1])), shape=(2, 2)),
    given("place", ((2, 2),), note="mask", index=(ALL, np.array([True, False, True])), shape=(2, 3)),
    given("place", ((0,),), note="empty", index=(1, ...), shape=(2, 0)),
    given("cleared", ((3,),), ((4, 2),), ((0, 2),), index=(slice(1, 3), ...)),
    Row(
        "setitem", lambda x, v: ops.setitem(ops.copy(x), v, index=(slice(1, 3), ...)), (real, real),
        [((3,), (2,)), ((3, 2), (2, 2)), ((3, 2), (2,)), ((3,), ())],
    ),
]  # fmt: skip

PAIR = (1, 1)


def conv(note: str, shapes: list[tuple[Shape, Shape]], **options: Any) -> list[Row]:
    """Rows for a convolution with these options, for shapes of x and w, and for its two adjoints."""
    options = {"stride": PAIR, "padding": (0, 0), "dilation": PAIR, "groups": 1, **options}
    with_bias = [(x, w, (w[0],)) for x, w in shapes]
    rows = [Row("conv2d", partial(ops.conv2d, **options), (real, real, real), with_bias, note=note)]
    for x, w in shapes:
        y = ops.conv2d(np.zeros(x), np.zeros(w), None, **options).shape
        size = f"{note}-{'x'.join(map(str, x))}"
        order = 3 if (x, w) == shapes[0] else 1
        rows += [
            Row("conv2d_dx", partial(ops.conv2d_dx, shape=x, **options), (real, real), [(y, w)], order, size),
            Row("conv2d_dw", partial(ops.conv2d_dw, shape=w, **options), (real, real), [(y, x)], order, size),
        ]
    return rows


def pool(note: str, shapes: list[tuple[Shape]], size: Shape, **options: Any) -> Row:
    """A row for max_pool2d; `size` is that of the output."""
    options = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": PAIR, **options}
    return Row("max_pool2d", partial(ops.max_pool2d, size=size, **options), (spaced(),), shapes, note=note)


def linear(activation: str) -> list[Row]:
    """Rows for linear with this activation, with a bias and without."""
    shapes: list[tuple[Shape, ...]] = [
        ((1, 2), (2, 2), (2,)), ((4, 3), (2, 3), (2,)), ((1, 1), (1, 1), (1,)),
        ((0, 2), (3, 2), (3,)), ((2, 0), (3, 0), (3,)),
    ]  # fmt: skip
    return [
        Row("linear", partial(ops.linear, activation=activation), (real, real, real), shapes, note=activation),
        Row(
            "linear", lambda x, w: ops.linear(x, w, None, activation=activation), (real, real),
            [s[:2] for s in shapes], note=f"{activation}-no-bias",
        ),
    ]  # fmt: skip


def addmm() -> list[Row]:
    """Rows for addmm: a bias, rows and a matrix."""
    shapes: list[tuple[Shape, ...]] = [
        ((2,), (1, 2), (2, 2)), ((2,), (4, 3), (3, 2)), ((1,), (1, 1), (1, 1)), ((3,), (0, 2), (2, 3)),
        ((3,), (2, 0), (0, 3)),
    ]  # fmt: skip
    return [Row("addmm", ops.addmm, (real, real, real), shapes)]


def recurrence(op: str, gates: int, states: int = 1, note: str = "", **options: Any) -> list[Row]:
    """Rows for rnn, lstm or gru: 2 time steps, 5, 1 and none; without biases; in reverse; of different lengths."""
    function, prefix = partial(getattr(ops, op), **options), f"{note}-" if note else ""

    def shapes(*sizes: tuple[int, int, int, int]) -> list[tuple[Shape, ...]]:
        return [
            ((t, n, i), *[(n, h)] * states, (gates * h, i), (gates * h, h), (gates * h,), (gates * h,))
            for t, n, i, h in sizes
        ]

    def row(note: str, function: Any, shapes: list[tuple[Shape, ...]], order: int = 2) -> Row:
        return Row(op, function, (real,) * len(shapes[0]), shapes, order, note=note)

    whole = shapes((2, 1, 1, 2), (5, 2, 3, 2), (1, 3, 2, 1), (2, 0, 1, 2))
    packed = [((6, 1), *shape[1:]) for shape in shapes((3, 3, 1, 1))]
    return [
        row(note or "plain", function, whole),
        row(f"{prefix}no-bias", lambda *inputs: function(*inputs, None, None), [shape[:-2] for shape in whole]),
        row(f"{prefix}reverse", partial(function, reverse=True), whole[:1]),
        row(f"{prefix}packed", partial(function, batch_sizes=(3, 2, 1)), packed),
        row(f"{prefix}packed-reverse", partial(function, batch_sizes=(3, 2, 1), reverse=True), packed),
    ]


# windows of average pooling: first, end, divisor
TALL, WIDE = ((0, 2, 2), (1, 3, 3)), ((0, 2, 2),)

PRODUCTS = [
    given("matmul", ((1, 2), (2, 2)), ((2, 3), (3, 4)), ((0, 2), (2, 2)), ((2, 0), (0, 2))),
    given("matmul", ((2, 1, 2), (2, 1)), ((2, 1, 1, 2), (3, 2, 1)), ((1, 2), (2, 2, 1)), note="stacks"),
    given("matmul", ((2, 1, 0), (0, 2)), ((2, 0, 1), (1, 2)), ((0, 1, 2), (2, 1)), note="empty-stacks"),
    *LINALG,
    *linear("identity"),
    *linear("relu"),
    *linear("tanh"),
    *linear("sigmoid"),
    *addmm(),
    *recurrence("rnn", 1, note="tanh", nonlinearity="tanh"),
    *recurrence("rnn", 1, note="relu", nonlinearity="relu"),
    *recurrence("lstm", 4, 2),
    *recurrence("gru", 3),
    *[
        Row(
            "attention", lambda q, k, v, causal=causal: ops.attention(q, k, v, None, scale=0.7, causal=causal),
            (real, real, real),
            [
                ((1, 1, 2, 2), (1, 1, 2, 2), (1, 1, 2, 1)), ((2, 1, 3, 2), (2, 1, 2, 2), (2, 1, 2, 2)),
                ((1, 1, 1, 1), (1, 1, 3, 1), (1, 1, 3, 1)), ((0, 1, 2, 2), (0, 1, 2, 2), (0, 1, 2, 2)),
            ],
            2, note="causal" if causal else "plain", nan_passes=not causal,
        )
        for causal in (False, True)
    ],
    given("layer_norm", ((2, 3), (3,), (3,)), ((3, 1), (1,), (1,)), ((0, 2), (2,), (2,)), eps=0.1),
    Row(
        "layer_norm", lambda x: ops.layer_norm(x, None, None, eps=1e-5), (spaced(),), [((2, 3),), ((4, 5),)],
        note="plain",
    ),
    given("rms_norm", ((2, 3), (3,)), ((3, 1), (1,)), ((0, 2), (2,)), eps=0.1),
    Row("rms_norm", lambda x: ops.rms_norm(x, None, eps=1e-5), (spaced(),), [((2, 3),), ((4, 5),)], note="plain"),
    given("rms_norm", ((1, 2, 2), (2, 2)), note="two-dims", eps=0.1, dims=2),
    given("layer_norm", ((2, 1, 2), (1, 2), (1, 2)), ((1, 2, 3), (2, 3), (2, 3)), note="two-dims", eps=0.1, dims=2),
    given("batch_norm", ((3, 2), (2,), (2,)), ((2, 2, 2, 3), (2,), (2,)), note="places", eps=0.1),
    given("batch_norm", ((2, 1, 2), (1,), (1,)), ((3, 2, 1), (2,), (2,)), ((2, 3, 4), (3,), (3,)), eps=0.1),
    Row(
        "batch_norm", lambda x: ops.batch_norm(x, None, None, eps=1e-5), (spaced(),), [((3, 1, 1),), ((2, 3, 4),)],
        note="plain",
    ),
    given("channel_affine", ((2, 1, 2), (1,), (1,), (1,)), ((3, 2), (2,), (2,), (2,)), ((0, 2, 3), (2,), (2,), (2,))),
    Row(
        "channel_affine", lambda x, scale: ops.channel_affine(x, None, scale, None), (real, real),
        [((2, 2, 1), (2,)), ((2, 3, 2, 2), (3,))], note="scale",
    ),
    given("avg_pool2d", ((1, 1, 3, 2),), ((2, 3, 4, 2),), ((0, 1, 3, 2),), rows=TALL, columns=WIDE),
    given("avg_pool2d_dx", ((1, 1, 2, 1),), ((2, 3, 2, 1),), ((0, 1, 2, 1),), rows=TALL, columns=WIDE, size=(3, 2)),
    *conv("plain", [((1, 1, 2, 3), (1, 1, 2, 2)), ((2, 2, 4, 3), (3, 2, 2, 1)), ((0, 1, 2, 2), (1, 1, 1, 1))]),
    *conv("strided", [((1, 1, 3, 4), (1, 1, 2, 2)), ((2, 1, 5, 6), (2, 1, 2, 3))], stride=(2, 3)),
    *conv("padded", [((1, 1, 2, 1), (1, 1, 2, 2)), ((1, 2, 3, 3), (2, 2, 3, 2))], padding=(1, 2)),
    *conv("dilated", [((1, 1, 3, 3), (1, 1, 2, 2)), ((1, 2, 5, 4), (1, 2, 2, 3))], dilation=(2, 1)),
    *conv("grouped", [((1, 2, 2, 2), (2, 1, 1, 2)), ((2, 4, 3, 3), (6, 2, 2, 2))], groups=2),
    pool("plain", [((1, 1, 2, 4),), ((2, 2, 3, 5),)], (1, 2)),
    pool("overlapping", [((1, 1, 3, 3),), ((2, 2, 4, 3),)], (2, 2), stride=(1, 1), padding=(0, 0)),
    pool("padded", [((1, 1, 2, 2),), ((2, 1, 3, 3),)], (2, 2), padding=(1, 1)),
    pool("dilated", [((1, 1, 3, 3),), ((2, 1, 3, 4),)], (1, 1), dilation=(2, 2)),
    pool("hanging-over", [((1, 1, 3, 3),)], (2, 2)),
    pool("empty", [((0, 1, 2, 2),)], (1, 1)),
    Row(
        "scatter_planes", partial(ops.scatter_planes, shape=(1, 2, 2, 3)), (real, integers(6)),
        [((1, 2, 1, 2), (1, 2, 1, 2)), ((1, 2, 3, 3), (1, 2, 3, 3))],
    ),
    Row(
        "scatter_planes", partial(ops.scatter_planes, shape=(0, 2, 2, 2)), (real, integers(4)),
        [((0, 2, 1, 1), (0, 2, 1, 1))], note="empty",
    ),
    Row(
        "gather_planes", ops.gather_planes, (real, integers(4)),
        [((1, 1, 2, 2), (1, 1, 1, 2)), ((2, 2, 2, 3), (2, 2, 3, 3)), ((0, 1, 2, 2), (0, 1, 1, 1))], nan_passes=False,
    ),
    Row(
        "binary_cross_entropy", ops.binary_cross_entropy, (probability, probability),
        [((2,), (2,)), ((3, 4), (3, 4)), ((), ()), ((0,), (0,))],
    ),
    Row(
        "cross_entropy", ops.cross_entropy, (real, integers(2)),
        [((1, 2), (1,)), ((2, 3), (2,)), ((4, 5), (4,)), ((0, 2), (0,))],
    ),
]  # fmt: skip

ROWS = [*ELEMENTWISE, *REDUCTIONS, *SHAPING, *PRODUCTS]
