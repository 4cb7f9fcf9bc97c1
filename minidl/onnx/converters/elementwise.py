"""Operations that work element by element: most are one operator, the others a formula of a few."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Graph, number_dtype
from ..trace import Pair


def inputs(g: Graph, call: Pair) -> list[str]:
    """Return all inputs of a call."""
    return [g.input(call, name) for name in call.first.inputs]


def operator(name: str, **attributes: Any) -> Callable[[Graph, Pair], str]:
    """Return what writes a call as one operator."""
    return lambda g, call: g.node(name, *inputs(g, call), **attributes)


def negated(name: str) -> Callable[[Graph, Pair], str]:
    """Return what writes a call as one operator and Not."""
    return lambda g, call: g.node("Not", g.node(name, *inputs(g, call)))


def logical(name: str) -> Callable[[Graph, Pair], str]:
    """Return what writes a call on numbers or booleans as an operator on booleans."""

    def write(g: Graph, call: Pair) -> str:
        return str(g.node(name, *[g.cast(x, bool) for x in inputs(g, call)]))

    return write


def bitwise(of_bools: str, of_ints: str) -> Callable[[Graph, Pair], str]:
    """Return what writes a call by its element type."""

    def write(g: Graph, call: Pair) -> str:
        if number_dtype(call) != np.bool_ and g.opset < 18:
            raise call.unsupported("ONNX has it for integers from opset 18 on; give opset_version=18")
        return str(g.node(of_bools if number_dtype(call) == np.bool_ else of_ints, *inputs(g, call)))

    return write


def scaled(name: str, factor: float) -> Callable[[Graph, Pair], str]:
    """Return what writes f(x) times a number."""
    return lambda g, call: g.node("Mul", g.node(name, *inputs(g, call)), g.constant(factor, call.output()[0].dtype))


def expm1(g: Graph, call: Pair) -> str:
    """e^x - 1."""
    return str(g.node("Sub", g.node("Exp", *inputs(g, call)), one(g, call)))


def log1p(g: Graph, call: Pair) -> str:
    """ln(1 + x)."""
    return str(g.node("Log", g.node("Add", *inputs(g, call), one(g, call))))


def one(g: Graph, call: Pair) -> str:
    """1 in the type of the output."""
    return g.constant(1, call.output()[0].dtype)


def zero(g: Graph, call: Pair) -> str:
    """0 in the type of the inputs."""
    return g.constant(0, number_dtype(call))


def erfc(g: Graph, call: Pair) -> str:
    """1 - erf x."""
    return str(g.node("Sub", one(g, call), g.node("Erf", *inputs(g, call))))


def logaddexp(g: Graph, call: Pair) -> str:
    """max(a, b) + ln(1 + e^-|a - b|)."""
    a, b = inputs(g, call)
    gap = g.node("Exp", g.node("Neg", g.node("Abs", g.node("Sub", a, b))))
    return str(g.node("Add", g.node("Max", a, b), g.node("Log", g.node("Add", one(g, call), gap))))


def hypot(g: Graph, call: Pair) -> str:
    """√(a² + b²)."""
    a, b = inputs(g, call)
    return str(g.node("Sqrt", g.node("Add", g.node("Mul", a, a), g.node("Mul", b, b))))


def atan2(g: Graph, call: Pair) -> str:
    """atan(a / b), moved by π where b is negative."""
    a, b = inputs(g, call)
    if g.is_constant(call, "b") and np.all(call.input("b")[0] == 1):
        return str(g.node("Atan", a))
    dtype = call.output()[0].dtype
    turn, half = g.constant(math.pi, dtype), g.constant(math.pi / 2, dtype)
    nothing, down = zero(g, call), g.node("Less", a, zero(g, call))
    signed = g.node("Where", down, g.node("Neg", turn), turn)
    angle = g.node("Atan", g.node("Div", a, b))
    angle = g.node("Where", g.node("Less", b, nothing), g.node("Add", angle, signed), angle)
    upright = g.node("Where", g.node("Equal", a, nothing), nothing, g.node("Where", down, g.node("Neg", half), half))
    return str(g.node("Where", g.node("Equal", b, nothing), upright, angle))


def trunc(g: Graph, call: Pair) -> str:
    """sign(x) ⌊|x|⌋."""
    (x,) = inputs(g, call)
    if number_dtype(call).kind != "f":
        return x
    return str(g.node("Mul", g.node("Sign", x), g.node("Floor", g.node("Abs", x))))


def rounded(name: str) -> Callable[[Graph, Pair], str]:
    """Return what writes a rounding, which leaves integers as they are."""

    def write(g: Graph, call: Pair) -> str:
        (x,) = inputs(g, call)
        return str(g.node(name, x)) if number_dtype(call).kind == "f" else x

    return write


def floor_divide(g: Graph, call: Pair) -> str:
    """⌊a / b⌋."""
    a, b = inputs(g, call)
    if number_dtype(call).kind == "f":
        return str(g.node("Floor", g.node("Div", a, b)))
    return str(g.node("Div", g.node("Sub", a, g.node("Mod", a, b)), b))


def remainder(g: Graph, call: Pair) -> str:
    """a - b ⌊a / b⌋."""
    a, b = inputs(g, call)
    if number_dtype(call).kind != "f":
        return str(g.node("Mod", a, b))
    return str(g.node("Sub", a, g.node("Mul", b, g.node("Floor", g.node("Div", a, b)))))


def copysign(g: Graph, call: Pair) -> str:
    """|a| with the sign of b."""
    a, b = inputs(g, call)
    size = g.node("Abs", a)
    return str(g.node("Where", g.node("Less", b, zero(g, call)), g.node("Neg", size), size))


def isfinite(g: Graph, call: Pair) -> str:
    """Neither infinite nor NaN."""
    (x,) = inputs(g, call)
    if number_dtype(call).kind != "f":
        return str(g.node("Equal", x, x))
    return str(g.node("Not", g.node("Or", g.node("IsInf", x), g.node("IsNaN", x))))


def zeros_like(g: Graph, call: Pair) -> str:
    """0, in the shape of x."""
    (x,) = inputs(g, call)
    return str(g.node("Expand", g.constant(0, call.output()[0].dtype), g.node("Shape", x)))


def silu(g: Graph, call: Pair) -> str:
    """x σ(x)."""
    (x,) = inputs(g, call)
    return str(g.node("Mul", x, g.node("Sigmoid", x)))


def gelu(g: Graph, call: Pair) -> str:
    """x Φ(x), an operator of its own from opset 20 on."""
    if g.opset >= 20:
        return str(g.node("Gelu", *inputs(g, call), approximate=call.fixed("approximate")))
    return g.opened(call, TABLE)


def where(g: Graph, call: Pair) -> str:
    """a where the condition holds, else b. What surrounds a padded tensor, told by a mask, is padding."""
    a, b = (g.origin(call, name) for name in "ab")
    if a is not None and b is not None and g.follows(a) and g.of(a, call.input("a")) == g.of(b, call.input("b")):
        return g.input(call, "a")
    padded = g.producer(call, "b")
    if padded is not None and padded.name == "place" and g.is_constant(call, "condition") and np.ndim(
        call.input("a")[0]
    ) == 0 and g.is_constant(call, "a"):  # fmt: skip
        from .indexing import surrounded

        return surrounded(g, padded, g.input(call, "a"))
    return str(g.node("Where", *inputs(g, call)))


def cast(g: Graph, call: Pair) -> str:
    """x in another element type."""
    return g.cast(g.input(call, "x"), call.output()[0].dtype)


TABLE: dict[str, Callable[[Graph, Pair], str]] = {
    "add": operator("Add"), "sub": operator("Sub"), "mul": operator("Mul"), "div": operator("Div"),
    "neg": operator("Neg"), "pow": operator("Pow"), "floor_divide": floor_divide, "remainder": remainder,
    "fmod": operator("Mod", fmod=1), "abs": operator("Abs"), "sign": operator("Sign"), "copysign": copysign,
    "exp": operator("Exp"), "expm1": expm1, "log": operator("Log"), "log1p": log1p,
    "log2": scaled("Log", 1 / math.log(2)), "log10": scaled("Log", 1 / math.log(10)), "logaddexp": logaddexp,
    "sqrt": operator("Sqrt"), "hypot": hypot, "sin": operator("Sin"), "cos": operator("Cos"),
    "asin": operator("Asin"), "acos": operator("Acos"), "atan2": atan2, "sinh": operator("Sinh"),
    "cosh": operator("Cosh"), "asinh": operator("Asinh"), "acosh": operator("Acosh"), "tanh": operator("Tanh"),
    "sigmoid": operator("Sigmoid"), "erf": operator("Erf"), "erfc": erfc, "relu": operator("Relu"), "silu": silu,
    "gelu": gelu, "floor": rounded("Floor"), "ceil": rounded("Ceil"), "round": rounded("Round"), "trunc": trunc,
    "maximum": operator("Max"), "minimum": operator("Min"), "where": where, "zeros_like": zeros_like, "cast": cast,
    "eq": operator("Equal"), "ne": negated("Equal"), "lt": operator("Less"), "le": operator("LessOrEqual"),
    "gt": operator("Greater"), "ge": operator("GreaterOrEqual"), "logical_and": logical("And"),
    "logical_or": logical("Or"), "logical_not": logical("Not"), "bitwise_and": bitwise("And", "BitwiseAnd"),
    "bitwise_or": bitwise("Or", "BitwiseOr"), "bitwise_xor": bitwise("Xor", "BitwiseXor"),
    "bitwise_not": bitwise("Not", "BitwiseNot"), "isnan": operator("IsNaN"), "isinf": operator("IsInf"),
    "isfinite": isfinite,
}  # fmt: skip
