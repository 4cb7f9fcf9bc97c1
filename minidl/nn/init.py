"""Initial values: functions that fill a Tensor in place and return it, with PyTorch's names and definitions.

`generator` draws from a stream of one's own, so that a model can be made twice alike. Nothing of this is recorded.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

import minidl

from ..autograd import no_grad
from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with values of the uniform distribution U(a, b).

    >>> import minidl
    >>> w = minidl.nn.init.uniform_(minidl.empty(100), -1, 1)
    >>> bool((w.abs() <= 1).all())
    True
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with values of the normal distribution N(mean, std²).

    >>> import minidl
    >>> minidl.nn.init.normal_(minidl.empty(2, 3)).shape
    (2, 3)
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Fill with values of the normal distribution N(mean, std²) between a and b: what falls outside is drawn again.

    >>> import minidl
    >>> w = minidl.nn.init.trunc_normal_(minidl.empty(100), a=-0.5, b=0.5)
    >>> bool((w.abs() <= 0.5).all())
    True
    """
    if not (std > 0 and a < b):
        raise ArgumentError(f"trunc_normal_: expected std > 0 and a < b, got std={std}, a={a}, b={b}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(f"trunc_normal_: the mean {mean} is more than 2 std away from [{a}, {b}]", stacklevel=2)
    accepted = inside_normal if normal_mass(mean, std, a, b) > 0.3 else thinned_uniform
    parts, missing = [np.empty(0)], tensor.numel()
    while missing:
        parts.append(accepted(missing, mean, std, a, b, generator))
        missing -= parts[-1].size
    with no_grad():
        return tensor.copy_(minidl.from_numpy(np.concatenate(parts).reshape(tensor.shape)))


def normal_mass(mean: float, std: float, a: float, b: float) -> float:
    """Return the probability that a value of N(mean, std²) lies between a and b."""
    return (math.erf((b - mean) / (std * math.sqrt(2))) - math.erf((a - mean) / (std * math.sqrt(2)))) / 2


def inside_normal(count: int, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    """Draw `count` values of N(mean, std²) and return those between a and b."""
    x = mean + std * minidl.randn(count, dtype=minidl.float64, generator=generator).numpy()
    return x[(a <= x) & (x <= b)]


def thinned_uniform(count: int, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    """Draw `count` values of U(a, b) and keep each with the probability density there, relative to its maximum."""
    x = a + (b - a) * minidl.rand(count, dtype=minidl.float64, generator=generator).numpy()
    peak = max(a, min(mean, b))
    kept_of_one = np.exp((((peak - mean) / std) ** 2 - ((x - mean) / std) ** 2) / 2)
    return x[minidl.rand(count, dtype=minidl.float64, generator=generator).numpy() < kept_of_one]


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value.

    >>> import minidl
    >>> minidl.nn.init.constant_(minidl.empty(2), 0.5).tolist()
    [0.5, 0.5]
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    >>> import minidl
    >>> minidl.nn.init.ones_(minidl.empty(2)).tolist()
    [1.0, 1.0]
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    >>> import minidl
    >>> minidl.nn.init.zeros_(minidl.empty(2)).tolist()
    [0.0, 0.0]
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with ones on the diagonal and zeros elsewhere: a Linear layer that hands its input on.

    >>> import minidl
    >>> minidl.nn.init.eye_(minidl.empty(2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if tensor.ndim != 2:
        raise ShapeError(f"eye_ fills a matrix, got a Tensor of shape {tensor.shape}")
    with no_grad():
        return tensor.copy_(minidl.eye(*tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight (out, in, *kernel) so that it hands its input channels on, in each group anew.

    w[g·out/groups + c, c, middle] = 1, all else 0.

    >>> import minidl
    >>> minidl.nn.init.dirac_(minidl.empty(2, 2, 3)).tolist()
    [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    """
    if tensor.ndim not in (3, 4, 5):
        raise ShapeError(f"dirac_ needs 3, 4 or 5 dimensions, got a Tensor of shape {tensor.shape}")
    if groups < 1 or tensor.shape[0] % groups:
        raise ArgumentError(f"groups: got {groups}, expected a positive divisor of the {tensor.shape[0]} channels")
    weight = np.zeros(tensor.shape, tensor.dtype)
    middle = tuple(size // 2 for size in tensor.shape[2:])
    for first in range(0, tensor.shape[0], max(tensor.shape[0] // groups, 1)):
        for c in range(min(tensor.shape[0] // groups, tensor.shape[1])):
            weight[(first + c, c, *middle)] = 1
    with no_grad():
        return tensor.copy_(minidl.from_numpy(weight))


def fans(tensor: Tensor) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight (out, in, *kernel): how many values enter and leave each unit.

    >>> import minidl
    >>> minidl.nn.init.fans(minidl.empty(6, 3, 5, 5))
    (75, 150)
    """
    if tensor.ndim < 2:
        raise ShapeError(f"fan in and fan out need a weight with 2 or more dimensions, got shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which weights must grow so that values keep their variance through a nonlinearity.

    1 for linear, convolutions and sigmoid, 5/3 for tanh, √2 for relu, √(2/(1+slope²)) for leaky_relu with the slope
    `param` (0.01), 3/4 for selu.

    >>> import minidl
    >>> round(minidl.nn.init.calculate_gain("relu"), 4)
    1.4142
    """
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    gains |= dict.fromkeys((f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)), 1.0)
    if nonlinearity in gains:
        return gains[nonlinearity]
    if nonlinearity != "leaky_relu":
        raise ArgumentError(f"nonlinearity must be leaky_relu, {', '.join(gains)}; got {nonlinearity!r}")
    slope = 0.01 if param is None else param
    if isinstance(slope, bool) or not isinstance(slope, (int, float)):
        raise ArgumentError(f"param, the slope of leaky_relu, must be a number, got {param!r}")
    return math.sqrt(2 / (1 + slope**2))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with U(-a, a), a = gain·√(6/(fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16).

    >>> import minidl
    >>> w = minidl.nn.init.xavier_uniform_(minidl.empty(2, 4))
    >>> bool((w.abs() <= 1).all())
    True
    """
    a = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with N(0, std²), std = gain·√(2/(fan_in + fan_out)) (Glorot & Bengio 2010).

    >>> import minidl
    >>> minidl.nn.init.xavier_normal_(minidl.empty(2, 4)).shape
    (2, 4)
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor))), generator)


def kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """Return std = gain/√fan, with fan_in or fan_out as `mode` says (He et al. 2015, eq. 10 and 14)."""
    mode = str(mode).lower()
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan_in, fan_out = fans(tensor)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan_in if mode == "fan_in" else fan_out)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill with U(-√3·std, √3·std), std = gain/√fan (He et al. 2015). `a` is the slope of leaky_relu.

    `mode` "fan_in" keeps the variance of values on their way forward, "fan_out" that of gradients on their way back.

    >>> import minidl
    >>> w = minidl.nn.init.kaiming_uniform_(minidl.empty(2, 6), nonlinearity="relu")
    >>> bool((w.abs() <= 1).all())
    True
    """
    if is_empty(tensor):
        return tensor
    bound = math.sqrt(3) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill with N(0, std²), std = gain/√fan (He et al. 2015). `a` is the slope of leaky_relu.

    >>> import minidl
    >>> minidl.nn.init.kaiming_normal_(minidl.empty(2, 6), nonlinearity="relu").shape
    (2, 6)
    """
    if is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, kaiming_std(tensor, a, mode, nonlinearity), generator)


def is_empty(tensor: Tensor) -> bool:
    """Warn of a Tensor without elements, which has no fan, and say whether it is one."""
    if tensor.numel() == 0:
        warnings.warn(f"a Tensor of shape {tensor.shape} has no elements to initialise", stacklevel=3)
    return tensor.numel() == 0


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a random (semi-)orthogonal matrix times gain; dimensions after the first are taken as one.

    It is the Q of the QR factorisation of normal values, its columns' signs those of R's diagonal, which makes the
    distribution uniform (Saxe et al. 2013; Mezzadri 2006).

    >>> import minidl
    >>> w = minidl.nn.init.orthogonal_(minidl.empty(3, 5, dtype=minidl.float64))
    >>> (w @ w.T - minidl.eye(3)).abs().max().item() < 1e-14
    True
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_ needs 2 or more dimensions, got a Tensor of shape {tensor.shape}")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    flat = minidl.randn(rows, tensor.numel() // rows, dtype=minidl.float64, generator=generator).numpy()
    wide = flat.shape[0] < flat.shape[1]
    q, r = np.linalg.qr(flat.T if wide else flat)
    q *= gain * np.sign(np.diag(r))
    with no_grad():
        return tensor.copy_(minidl.from_numpy((q.T if wide else q).reshape(tensor.shape)))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix with N(0, std²), and in each column the share `sparsity` of it, rounded up, with 0 (Martens 2010).

    >>> import minidl
    >>> (minidl.nn.init.sparse_(minidl.empty(4, 3), 0.5) == 0).sum().item()
    6
    """
    if tensor.ndim != 2:
        raise ShapeError(f"sparse_ fills a matrix, got a Tensor of shape {tensor.shape}")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    weight = minidl.randn(rows, columns, dtype=minidl.float64, generator=generator).numpy() * std
    for column in range(columns):
        weight[minidl.randperm(rows, generator=generator).numpy()[:zeros], column] = 0
    with no_grad():
        return tensor.copy_(minidl.from_numpy(weight))
