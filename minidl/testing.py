"""Are the gradients right? gradcheck compares each with the slope of the function, measured by finite differences.

A backward that runs, gives the right shape and lets a loss fall may still be wrong: only the slope itself tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from .autograd import grad, wrap
from .errors import ArgumentError, DTypeError, GradcheckError, GraphError
from .tensor import Tensor

Array = np.ndarray[Any, Any]


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True, nondet_tol: float = 0.0,
) -> bool:  # fmt: skip
    """Check dy_j/dx_i ≈ (y_j(x_i + ε) - y_j(x_i - ε)) / 2ε for each element of each input that requires grad.

    `func` takes the inputs and returns one Tensor or several. Inputs that require grad must be float64: float32 has too
    few digits for a difference quotient. A pair passes if |analytic - numeric| <= atol + rtol · |numeric|. Two backward
    passes must agree within `nondet_tol`, and the inputs must keep their values.

    Returns True; raises GradcheckError (or returns False without `raise_exception`) with the input and output, the
    worst element, its two values and the likely cause.

    >>> import minidl
    >>> x = minidl.tensor([0.5, 2.0], dtype=minidl.float64, requires_grad=True)
    >>> minidl.autograd.gradcheck(lambda x: x * x.sum(), x)
    True

    A derivative that forgot a factor:

    >>> @minidl.operation.primitive
    ... def square(x):
    ...     return x**2
    >>> square.defvjp(x=lambda g, x: g * x)
    >>> try:
    ...     minidl.autograd.gradcheck(square, x)
    ... except minidl.errors.GradcheckError as error:
    ...     print(error)
    gradcheck: output 0 by input 0 is wrong, most of all d output[1] / d input[1]:
      analytic 2
      numeric  4
    likely cause: a constant factor, the gradient is 1/2 of what it should be
    """
    inputs = listed(inputs)
    wanted = checked(inputs)
    try:
        check(func, inputs, wanted, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0,
) -> bool:  # fmt: skip
    """Check the second derivative: gradcheck of (x, g) -> Σ_j g_j dy_j/dx, by its inputs x and by the cotangents g.

    `grad_outputs` are the cotangents, one for each output that requires grad; random ones by default. The gradients
    under create_graph=True, which this differentiates, must also be those of an ordinary backward. Arguments, result
    and errors are those of gradcheck.

    >>> import minidl
    >>> x = minidl.tensor([0.5, 2.0], dtype=minidl.float64, requires_grad=True)
    >>> minidl.autograd.gradgradcheck(lambda x: x * x.exp(), x)
    True
    """
    inputs = listed(inputs)
    checked(inputs)
    slope, arguments = differentiated(func, inputs, grad_outputs)
    try:
        check_recorded(func, inputs, arguments[len(inputs) :], atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return gradcheck(
        slope, arguments, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol
    )


def differentiated(func: Callable[..., Any], inputs: Sequence[Any], grad_outputs: Any = None) -> tuple[Any, list[Any]]:
    """Return the function (x, g) -> Σ_j g_j dy_j/dx, and its inputs: those of `func`, then the cotangents g.

    Applied again it gives the next derivative.

    >>> import minidl
    >>> x = minidl.tensor([2.0], dtype=minidl.float64, requires_grad=True)
    >>> slope, arguments = minidl.testing.differentiated(lambda x: x**3, [x], [minidl.ones(1, dtype=minidl.float64)])
    >>> slope(*arguments)[0].item()
    12.0
    """
    outputs = differentiable(func(*inputs))
    if grad_outputs is None:
        draw = np.random.default_rng(0)
        grad_outputs = [wrap(draw.standard_normal(out.shape)).requires_grad_() for out in outputs]
    cotangents = listed(grad_outputs)
    if len(cotangents) != len(outputs):
        raise ArgumentError(f"grad_outputs: got {len(cotangents)} for {len(outputs)} outputs that require grad")
    count = len(inputs)

    def gradients(*arguments: Any) -> list[Any]:
        xs, gs = arguments[:count], arguments[count:]
        answers = grad(differentiable(func(*xs)), differentiable(xs), gs, create_graph=True, allow_unused=True)
        return [dx for dx in answers if dx is not None]

    return gradients, [*inputs, *cotangents]


# -- what goes in and comes out --------------------------------------------------------------------------------------


def listed(values: Any) -> list[Any]:
    """Return one value, or several, as a list."""
    return list(values) if isinstance(values, (tuple, list)) else [values]


def floats(values: Any) -> list[Any]:
    """Return the floating Tensors among what a function returned."""
    return [out for out in listed(values) if isinstance(out, Tensor) and out.is_floating_point()]


def differentiable(values: Any) -> list[Any]:
    """Return the Tensors that require grad among what a function returned."""
    return [out for out in floats(values) if out.requires_grad]


def checked(inputs: Sequence[Any]) -> list[Any]:
    """Return the inputs that require grad, once they are known to be fit for finite differences."""
    wanted = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ArgumentError("gradcheck: none of the inputs requires grad; make one with requires_grad=True")
    for k, x in enumerate(inputs):
        if isinstance(x, Tensor) and x.requires_grad:
            if x.dtype != np.float64:
                raise DTypeError(
                    f"gradcheck: input {k} is {x.dtype}, which has too few digits for finite differences; use .double()"
                )
            if not x.array.flags.writeable:
                raise GraphError(f"gradcheck: input {k} can't be changed (an expanded view?); use .clone() of it")
    return wanted


# -- the comparison --------------------------------------------------------------------------------------------------


def check(
    func: Callable[..., Any], inputs: Sequence[Any], wanted: Sequence[Any], eps: float, atol: float, rtol: float,
    nondet_tol: float,
) -> None:  # fmt: skip
    """Raise GradcheckError unless the function's gradients are its slopes."""

    def values() -> list[Array]:
        return [np.array(out.array) for out in floats(func(*inputs))]

    before = [np.array(x.array) for x in wanted]
    outputs = floats(func(*inputs))
    for k, out in enumerate(outputs):
        if out.dtype != np.float64:
            raise DTypeError(f"gradcheck: output {k} is {out.dtype}, which has too few digits for finite differences")
    if not all(same(a.array, b) for a, b in zip(outputs, values(), strict=True)):
        raise GradcheckError("gradcheck: the function gives other values for the same inputs; is it random?")
    names = [k for k, x in enumerate(inputs) if any(x is w for w in wanted)]
    numeric = {k: slopes(values, x, eps) for k, x in zip(names, wanted, strict=True)}
    for j, out in enumerate(outputs):
        check_reentrant(out, wanted, j, nondet_tol)
        analytic = gradients(out, wanted)
        for k, x, a in zip(names, wanted, analytic, strict=True):
            n = numeric[k][j]
            if not np.allclose(a, n, rtol, atol):
                raise GradcheckError(report(values, k, x, j, out, a, n, eps, atol, rtol))
    if not all(same(x.array, old) for x, old in zip(wanted, before, strict=True)):
        raise GradcheckError("gradcheck: the function or its backward changed the values of an input")


def same(a: Array, b: Array) -> bool:
    """Return whether two arrays are equal, NaN to NaN."""
    return np.array_equal(a, b, equal_nan=True)


def gradients(out: Any, wanted: Sequence[Any]) -> list[Array]:
    """Return the matrix dy_j/dx_i, (elements of x, elements of y), for each input x: one backward pass for each y_j."""
    columns = [np.zeros((x.numel(), out.numel())) for x in wanted]
    if out.requires_grad:
        for j in range(out.numel()):
            one = np.zeros(out.numel())
            one[j] = 1.0
            found = grad(out, wanted, wrap(one.reshape(out.shape)), retain_graph=True, allow_unused=True)
            for column, dx in zip(columns, found, strict=True):
                if dx is not None:
                    column[:, j] = dx.array.ravel()
    return columns


def slopes(values: Callable[[], list[Array]], x: Any, eps: float) -> list[Array]:
    """Return the matrix (y_j(x_i + ε) - y_j(x_i - ε)) / 2ε for each output y."""
    rows: list[list[Array]] = [[] for _ in values()]
    for place in np.ndindex(x.shape):
        above, below = at(values, x, place, eps), at(values, x, place, -eps)
        for row, high, low in zip(rows, above, below, strict=True):
            row.append((high - low).ravel() / (2 * eps))
    return [np.array(row).reshape(x.numel(), y.size) for row, y in zip(rows, values(), strict=True)]


def at(values: Callable[[], list[Array]], x: Any, place: tuple[int, ...], step: float) -> list[Array]:
    """Return the outputs with one element of x moved by a step."""
    held = x.array[place]
    x.array[place] = held + step
    try:
        return values()
    finally:
        x.array[place] = held


def check_reentrant(out: Any, wanted: Sequence[Any], j: int, tolerance: float) -> None:
    """Raise GradcheckError unless two backward passes over one graph give the same gradients, of the inputs' dtype."""
    if not out.requires_grad:
        return
    cotangent = wrap(np.random.default_rng(1).standard_normal(out.shape))
    first, second = (grad(out, wanted, cotangent, retain_graph=True, allow_unused=True) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        if a is None:
            continue
        if not np.allclose(a.array, b.array, 0, tolerance, equal_nan=True):
            raise GradcheckError(f"gradcheck: a second backward from output {j} gives other gradients than the first")
        if a.dtype != np.float64:
            raise GradcheckError(f"gradcheck: the gradient of a float64 input by output {j} is {a.dtype}")


def check_recorded(func: Callable[..., Any], inputs: Sequence[Any], cotangents: Any, atol: float, rtol: float) -> None:
    """Raise GradcheckError unless a recorded backward gives the gradients of an ordinary one."""
    wanted = differentiable(inputs)
    ordinary, recorded = (
        grad(differentiable(func(*inputs)), wanted, cotangents, create_graph=mode, allow_unused=True)
        for mode in (False, True)
    )
    for k, (x, plain, graph) in enumerate(zip(wanted, ordinary, recorded, strict=True)):
        a, b = (np.zeros(x.shape) if g is None else g.array for g in (plain, graph))
        if not np.allclose(b, a, rtol, atol):
            raise GradcheckError(
                f"gradgradcheck: the gradient of the {k + 1}. input that requires grad is another under "
                "create_graph=True; its rule must be one formula for arrays and for Tensors"
            )


# -- what to say -----------------------------------------------------------------------------------------------------


def report(
    values: Callable[[], list[Array]], k: int, x: Any, j: int, out: Any, a: Array, n: Array, eps: float, atol: float,
    rtol: float,
) -> str:  # fmt: skip
    """Return the message: input, output, worst element, its two values, the likely cause."""
    excess = np.abs(a - n) - rtol * np.abs(n)
    i, o = np.unravel_index(np.argmax(np.where(np.isnan(excess), np.inf, excess)), a.shape)
    place, result = index(int(i), x.shape), index(int(o), out.shape)
    centre, above, below, near = (at(values, x, place, step)[j].ravel()[o] for step in (0.0, eps, -eps, eps / 2))
    right, left, short = (above - centre) / eps, (centre - below) / eps, 2 * (near - centre) / eps
    kink = not (np.isclose(right, left, rtol, atol) and np.isclose(right, short, rtol, atol))
    cause = likely_cause(a, n, x.shape, out.shape, kink, atol, rtol)
    element = f"d output{list(result) or ''} / d input{list(place) or ''}"
    return (
        f"gradcheck: output {j} by input {k} is wrong, most of all {element}:\n"
        f"  analytic {a[i, o]:.10g}\n  numeric  {n[i, o]:.10g}\nlikely cause: {cause}"
    )


def index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return where an element of the flattened array stands."""
    return tuple(int(k) for k in np.unravel_index(flat, shape))


def likely_cause(
    a: Array, n: Array, x_shape: tuple[int, ...], y_shape: tuple[int, ...], kink: bool, atol: float, rtol: float
) -> str:
    """Return what most often makes an analytic matrix `a` where the numeric one is `n`."""

    def close(p: Array, q: Array) -> bool:
        return np.allclose(p, q, rtol, atol)

    if kink:
        return "the function has a kink or a jump at this input, where there is no slope; choose another input"
    if not np.isfinite(a).all():
        return "the gradient is not finite where the slope is: a division by 0, or the logarithm of 0, in the rule"
    if close(n, np.zeros_like(n)):
        return "a gradient where there is no slope: the output does not depend on the input"
    if not a.any():
        return "a gradient of zero where there is a slope: a term is left out, or the value was detached"
    if close(a, -n):
        return "a wrong sign"
    repeats = times_broadcast(x_shape, y_shape)
    missing = (np.abs(a) <= atol) & (np.abs(n) > atol)
    if repeats > 1 and (close(a * repeats, n) or (missing.any() and close(a[~missing], n[~missing]))):
        return f"a missing sum over a broadcast dimension: the input is used {repeats} times and counted once"
    factor = (a * n).sum() / (n * n).sum()
    if close(a, factor * n):
        return f"a constant factor, the gradient is {as_fraction(factor)} of what it should be"
    if close(transposed(a, x_shape), n):
        return "a transposed gradient: its last two dimensions are exchanged"
    if missing.any() and close(a[~missing], n[~missing]):
        places = f"{missing.sum()} of {(np.abs(n) > atol).sum()} places"
        return f"a gradient of zero where there is a slope, in {places}: a term is left out"
    return "none of the usual ones; compare the rule with the derivative term by term"


def times_broadcast(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> int:
    """Return how often each element of x is used when x broadcasts to y's shape, 1 if it doesn't."""
    try:
        grown = np.broadcast_shapes(x_shape, y_shape) == y_shape
    except ValueError:
        return 1
    sizes = int(np.prod(x_shape)), int(np.prod(y_shape))
    return sizes[1] // sizes[0] if grown and sizes[0] else 1


def transposed(a: Array, x_shape: tuple[int, ...]) -> Array:
    """Return the matrix with the last two dimensions of x exchanged, where x has two."""
    if len(x_shape) < 2:
        return a
    rows, columns = x_shape[-2:]
    return a.reshape(-1, columns, rows, a.shape[1]).swapaxes(1, 2).reshape(a.shape)


def as_fraction(x: float) -> str:
    """Return a number as a fraction where it is a simple one."""
    simple = Fraction(x).limit_denominator(100)
    return str(simple) if np.isclose(float(simple), x, rtol=1e-4) and simple else f"{x:.4g}"
