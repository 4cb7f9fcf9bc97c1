"""Operators on each element for itself."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl

from ... import nn
from ...errors import NotSupported
from .values import Attributes, Operator, array, is_float, tensor

F = nn.functional


def unary(function: Any, of_integers: Any = None) -> Operator:
    """Return the operator of a function of one Tensor; integers may need one of arrays."""

    def operator(attributes: Attributes, x: Any) -> Any:
        if of_integers is not None and not is_float(x):
            return tensor(of_integers(array(x)).astype(array(x).dtype))
        return function(x)

    return operator


def binary(function: Any, of_integers: Any) -> Operator:
    """Return the operator of a function of two Tensors; integers and booleans go through one of arrays."""

    def operator(attributes: Attributes, a: Any, b: Any) -> Any:
        if is_float(a):
            return function(a, b)
        return tensor(of_integers(array(a), array(b)))

    return operator


def comparison(function: Any) -> Operator:
    """Return the operator of a function of two arrays whose answer is boolean."""
    return lambda attributes, a, b: tensor(function(array(a), array(b)))


def variadic(function: Any, of_integers: Any) -> Operator:
    """Return the operator that takes any number of Tensors, two by two."""

    def operator(attributes: Attributes, *given: Any) -> Any:
        result = given[0]
        for other in given[1:]:
            result = function(result, other) if is_float(other) else tensor(of_integers(array(result), array(other)))
        return result

    return operator


def divided(a: Any, b: Any) -> Any:
    """Return the quotients of integers, rounded towards 0."""
    whole = np.floor_divide(a, b)
    return whole + ((a % b != 0) & ((a < 0) != (b < 0))).astype(whole.dtype)


def power(attributes: Attributes, a: Any, b: Any) -> Any:
    """a ** b, in the type of a."""
    if is_float(a):
        return a ** (b if b.dtype == a.dtype else b.to(a.dtype))
    return tensor(np.power(array(a).astype(np.float64) if is_float(b) else array(a), array(b)).astype(array(a).dtype))


def modulo(attributes: Attributes, a: Any, b: Any) -> Any:
    """The remainder: with fmod=1 its sign is that of a, else that of b."""
    if is_float(a):
        return minidl.fmod(a, b) if attributes.get("fmod", 0) else minidl.remainder(a, b)
    return tensor((np.fmod if attributes.get("fmod", 0) else np.mod)(array(a), array(b)))


def clip(attributes: Attributes, x: Any, low: Any = None, high: Any = None) -> Any:
    """x, at least low and at most high."""
    if attributes.version < 11:
        low, high = (
            None if v is None else tensor(np.float32(v)) for v in (attributes.get("min"), attributes.get("max"))
        )
    if not is_float(x):
        values = array(x)
        values = values if low is None else np.maximum(values, array(low))
        return tensor(values if high is None else np.minimum(values, array(high)))
    x = x if low is None else minidl.maximum(x, low.to(x.dtype))
    return x if high is None else minidl.minimum(x, high.to(x.dtype))


def cast(attributes: Attributes, x: Any) -> Any:
    """x in another type."""
    import onnx

    kind = attributes.get("to")
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    return converted(x, dtype)


def converted(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return x in a type; a float goes to an integer without its fraction."""
    if dtype.kind == "f" and is_float(x):
        return x.to(dtype)
    if dtype.kind not in "fiub" or dtype.name.startswith("bfloat"):
        raise NotSupported(f"Cast: to {dtype} is not supported, expected a number or bool")
    with np.errstate(all="ignore"):
        return tensor(array(x).astype(dtype))


def cast_like(attributes: Attributes, x: Any, like: Any) -> Any:
    """x in the type of another."""
    return converted(x, array(like).dtype)


def is_infinite(attributes: Attributes, x: Any) -> Any:
    """Where x is infinite, of the signs that are asked for."""
    values = array(x)
    above = np.isposinf(values) & bool(attributes.get("detect_positive", 1))
    return tensor(above | (np.isneginf(values) & bool(attributes.get("detect_negative", 1))))


def prelu(attributes: Attributes, x: Any, slope: Any) -> Any:
    """x above 0, else slope times x."""
    if not is_float(x):
        return tensor(np.where(array(x) < 0, array(slope) * array(x), array(x)))
    return minidl.where(x < 0, slope * x, x)


def softmax_of(function: Any) -> Operator:
    """Return softmax or its logarithm: along an axis, before version 13 along all from the axis on."""

    def operator(attributes: Attributes, x: Any) -> Any:
        if attributes.version >= 13:
            return function(x, dim=attributes.get("axis", -1))
        axis = attributes.get("axis", 1) % max(1, x.ndim)
        rows = int(np.prod(x.shape[:axis]))
        return function(x.reshape(rows, -1), dim=1).reshape(*x.shape)

    return operator


def dropout(attributes: Attributes, x: Any, ratio: Any = None, training: Any = None) -> Any:
    """x; in training mode, some of it 0. The second output says what is kept."""
    if training is not None and bool(array(training)):
        share = attributes.get("ratio", 0.5) if ratio is None else float(array(ratio))
        seed = attributes.get("seed")
        drawn = array(minidl.rand(*x.shape)) if seed is None else np.random.RandomState(seed).uniform(size=x.shape)
        kept = tensor(drawn >= share)
        result = x * kept.to(x.dtype) / (1 - share) if share < 1 else x * 0
    else:
        result, kept = x, minidl.ones(*x.shape, dtype=minidl.bool)
    return (result, kept)[: max(1, attributes.outputs)]


def mean(attributes: Attributes, *given: Any) -> Any:
    """The mean of several Tensors."""
    total = given[0]
    for other in given[1:]:
        total = total + other
    return total / len(given)


def hard_sigmoid(attributes: Attributes, x: Any) -> Any:
    """max(0, min(1, αx + β))."""
    return minidl.clamp(attributes.get("alpha", 0.2) * x + attributes.get("beta", 0.5), 0, 1)


def selu(attributes: Attributes, x: Any) -> Any:
    """γ x above 0, else γ α (exp(x) - 1)."""
    alpha, gamma = attributes.get("alpha", 1.6732632423543772), attributes.get("gamma", 1.0507009873554805)
    return gamma * minidl.where(x > 0, x, alpha * minidl.expm1(minidl.minimum(x, minidl.zeros_like(x))))


def elu(attributes: Attributes, x: Any) -> Any:
    """x above 0, else α (exp(x) - 1)."""
    return F.elu(x, attributes.get("alpha", 1.0))


OPERATORS: dict[str, Operator] = {
    "Abs": unary(minidl.abs, np.abs), "Neg": unary(minidl.neg, np.negative), "Sign": unary(minidl.sign, np.sign),
    "Ceil": unary(minidl.ceil), "Floor": unary(minidl.floor), "Round": unary(minidl.round), "Cos": unary(minidl.cos),
    "Sin": unary(minidl.sin), "Exp": unary(minidl.exp), "Log": unary(minidl.log), "Sqrt": unary(minidl.sqrt),
    "Erf": unary(minidl.erf), "Reciprocal": unary(lambda x: 1 / x), "Sigmoid": unary(minidl.sigmoid),
    "Tanh": unary(minidl.tanh), "Softplus": unary(lambda x: minidl.logaddexp(x, minidl.zeros_like(x))),
    "Softsign": unary(F.softsign), "Relu": unary(minidl.relu, lambda x: np.maximum(x, 0)),
    "Identity": lambda attributes, x: x, "Not": lambda attributes, x: tensor(~array(x)),
    "IsNaN": lambda attributes, x: tensor(np.isnan(array(x))), "IsInf": is_infinite,
    "Elu": elu, "Celu": lambda attributes, x: F.celu(x, attributes.get("alpha", 1.0)), "Selu": selu,
    "LeakyRelu": lambda attributes, x: F.leaky_relu(x, attributes.get("alpha", 0.01)),
    "ThresholdedRelu": lambda attributes, x: minidl.where(x > attributes.get("alpha", 1.0), x, minidl.zeros_like(x)),
    "HardSigmoid": hard_sigmoid, "HardSwish": unary(F.hardswish), "Mish": unary(F.mish),
    "Gelu": lambda attributes, x: F.gelu(x, approximate=attributes.get("approximate", "none")),
    "Swish": lambda attributes, x: x * minidl.sigmoid(attributes.get("alpha", 1.0) * x), "PRelu": prelu,
    "Softmax": softmax_of(F.softmax), "LogSoftmax": softmax_of(F.log_softmax), "Clip": clip, "Cast": cast,
    "CastLike": cast_like, "Dropout": dropout,
    "Add": binary(minidl.add, np.add), "Sub": binary(minidl.sub, np.subtract), "Mul": binary(minidl.mul, np.multiply),
    "Div": binary(minidl.div, divided), "Pow": power, "Mod": modulo,
    "And": comparison(np.logical_and), "Or": comparison(np.logical_or), "Xor": comparison(np.logical_xor),
    "Equal": comparison(np.equal), "Greater": comparison(np.greater), "Less": comparison(np.less),
    "GreaterOrEqual": comparison(np.greater_equal), "LessOrEqual": comparison(np.less_equal),
    "Max": variadic(minidl.maximum, np.maximum), "Min": variadic(minidl.minimum, np.minimum),
    "Sum": variadic(minidl.add, np.add), "Mean": mean,
    "Where": lambda attributes, condition, a, b: minidl.where(condition, a, b) if is_float(a)
    else tensor(np.where(array(condition), array(a), array(b))),
}  # fmt: skip
