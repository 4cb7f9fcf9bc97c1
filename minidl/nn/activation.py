"""Activations: the f in y = f(xW + b). They work element by element, except for the softmaxes."""

from __future__ import annotations

from typing import Any

import minidl

from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor
from . import functional as F
from . import init
from .checks import one_of, whole
from .module import Module
from .parameter import Parameter


class ReLU(Module):
    """y = max(x, 0).

    `inplace` overwrites x, if nothing else needs its values.

    >>> import minidl
    >>> minidl.nn.ReLU()(minidl.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return max(input, 0)."""
        return F.relu(input, inplace=self.inplace)

    def extra_repr(self) -> str:
        """Return `inplace` where it is set."""
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    """y = tanh(x), from -1 to 1.

    >>> import minidl
    >>> minidl.nn.Tanh()(minidl.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return tanh(input)."""
        return F.tanh(input)


class Sigmoid(Module):
    """y = 1/(1 + exp(-x)), from 0 to 1.

    >>> import minidl
    >>> minidl.nn.Sigmoid()(minidl.zeros(2)).tolist()
    [0.5, 0.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return 1/(1 + exp(-input))."""
        return F.sigmoid(input)


class GELU(Module):
    """y = x·Φ(x), with Φ the distribution function of the standard normal (Hendrycks & Gimpel 2016, eq. 1).

    `approximate="tanh"` takes y = x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))).

    >>> import minidl
    >>> minidl.nn.GELU()(minidl.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = one_of("approximate", approximate, ("none", "tanh"))

    def forward(self, input: Tensor) -> Tensor:
        """Return input·Φ(input)."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Return the approximation."""
        return f"approximate={self.approximate!r}"


class Elementwise(Module):
    """What the activations below have in common: options that are shown, `inplace` among them where it is set."""

    shown: tuple[str, ...] = ()
    inplace = False

    def extra_repr(self) -> str:
        """Return the options."""
        parts = [f"{name}={getattr(self, name)}" for name in self.shown]
        return ", ".join([*parts, "inplace=True"] if self.inplace else parts)


class LeakyReLU(Elementwise):
    """y = x where x > 0, else negative_slope·x (Maas, Hannun & Ng 2013).

    >>> import minidl
    >>> minidl.nn.LeakyReLU(0.5)(minidl.tensor([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, its negative part times the slope."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class PReLU(Module):
    """y = x where x > 0, else weight·x, the slope a parameter: one, or one for each channel (He et al. 2015).

    Shapes: x and y (N, C, *); weight (num_parameters), 1 or C. Initial value: `init`.

    >>> import minidl
    >>> minidl.nn.PReLU()(minidl.tensor([-1.0, 2.0])).tolist()
    [-0.25, 2.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = whole("num_parameters", num_parameters)
        self.init = init
        self.weight = Parameter(minidl.empty(num_parameters, dtype=dtype, device=device))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to their initial value."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, its negative part times the slope."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"num_parameters={self.num_parameters}"


class ELU(Elementwise):
    """y = x where x > 0, else alpha·(exp(x) - 1) (Clevert, Unterthiner & Hochreiter 2016).

    >>> import minidl
    >>> minidl.nn.ELU()(minidl.tensor([0.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the exponential linear unit of the input."""
        return F.elu(input, self.alpha, self.inplace)


class SELU(Elementwise):
    """y = 1.0507·x where x > 0, else 1.0507·1.6733·(exp(x) - 1), which keeps mean 0 and variance 1.

    Source: Klambauer et al. 2017, eq. 2; the factors are given there to more places.

    >>> import minidl
    >>> round(minidl.nn.SELU()(minidl.tensor(1.0)).item(), 4)
    1.0507
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the scaled exponential linear unit of the input."""
        return F.selu(input, self.inplace)


class CELU(Elementwise):
    """y = max(0, x) + min(0, alpha·(exp(x/alpha) - 1)): ELU with a continuous derivative (Barron 2017).

    >>> import minidl
    >>> minidl.nn.CELU()(minidl.tensor([0.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the continuous exponential linear unit of the input."""
        return F.celu(input, self.alpha, self.inplace)


class SiLU(Elementwise):
    """y = x/(1 + exp(-x)), also called swish (Elfwing, Uchibe & Doya 2018).

    >>> import minidl
    >>> minidl.nn.SiLU()(minidl.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return input·σ(input)."""
        return F.silu(input, self.inplace)


class Mish(Elementwise):
    """y = x·tanh(log(1 + exp(x))) (Misra 2019).

    >>> import minidl
    >>> minidl.nn.Mish()(minidl.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return input·tanh(softplus(input))."""
        return F.mish(input, self.inplace)


class Hardtanh(Elementwise):
    """y = min(max(x, min_val), max_val), from -1 to 1 by default.

    >>> import minidl
    >>> minidl.nn.Hardtanh()(minidl.tensor([-3.0, 0.5, 2.0])).tolist()
    [-1.0, 0.5, 1.0]
    """

    shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if not min_val < max_val:
            raise ArgumentError(f"min_val must be below max_val, got {min_val} and {max_val}")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, clamped."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Elementwise):
    """y = min(max(x, 0), 6).

    >>> import minidl
    >>> minidl.nn.ReLU6()(minidl.tensor([-1.0, 2.0, 7.0])).tolist()
    [0.0, 2.0, 6.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, clamped to 0 to 6."""
        return F.relu6(input, self.inplace)


class Hardsigmoid(Module):
    """y = min(max(x/6 + 1/2, 0), 1).

    >>> import minidl
    >>> minidl.nn.Hardsigmoid()(minidl.tensor([-4.0, 0.0, 4.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the piecewise linear sigmoid of the input."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    """y = x·min(max(x/6 + 1/2, 0), 1) (Howard et al. 2019).

    >>> import minidl
    >>> minidl.nn.Hardswish()(minidl.tensor([-4.0, 0.0, 4.0])).abs().tolist()
    [0.0, 0.0, 4.0]
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return input·hardsigmoid(input)."""
        return F.hardswish(input, self.inplace)


class LogSigmoid(Module):
    """y = -log(1 + exp(-x)).

    >>> import minidl
    >>> round(minidl.nn.LogSigmoid()(minidl.tensor(0.0)).item(), 4)
    -0.6931
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the logarithm of the sigmoid of the input."""
        return F.logsigmoid(input)


class Softplus(Elementwise):
    """y = log(1 + exp(beta·x))/beta, a smooth ReLU; x itself where beta·x > threshold.

    >>> import minidl
    >>> round(minidl.nn.Softplus()(minidl.tensor(0.0)).item(), 4)
    0.6931
    """

    shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Return the smooth ReLU of the input."""
        return F.softplus(input, self.beta, self.threshold)


class Softsign(Module):
    """y = x/(1 + |x|).

    >>> import minidl
    >>> minidl.nn.Softsign()(minidl.tensor([-1.0, 3.0])).tolist()
    [-0.5, 0.75]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return input/(1 + |input|)."""
        return F.softsign(input)


class Tanhshrink(Module):
    """y = x - tanh(x).

    >>> import minidl
    >>> minidl.nn.Tanhshrink()(minidl.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return input - tanh(input)."""
        return F.tanhshrink(input)


class Threshold(Elementwise):
    """y = x where x > threshold, else value.

    >>> import minidl
    >>> minidl.nn.Threshold(0.5, 9.0)(minidl.tensor([0.0, 1.0])).tolist()
    [9.0, 1.0]
    """

    shown = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, with the value where it is not above the threshold."""
        return F.threshold(input, self.threshold, self.value, self.inplace)


class Softshrink(Module):
    """y = x - lambd where x > lambd, x + lambd where x < -lambd, else 0.

    >>> import minidl
    >>> minidl.nn.Softshrink()(minidl.tensor([-2.0, 0.25, 1.0])).tolist()
    [-1.5, 0.0, 0.5]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, moved towards 0."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return lambd, without its name."""
        return str(self.lambd)


class Hardshrink(Module):
    """y = x where |x| > lambd, else 0.

    >>> import minidl
    >>> minidl.nn.Hardshrink()(minidl.tensor([-2.0, 0.25, 1.0])).tolist()
    [-2.0, 0.0, 1.0]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, 0 where it is small."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return lambd, without its name."""
        return str(self.lambd)


class RReLU(Elementwise):
    """y = x where x > 0, else a·x, a drawn from lower to upper in training, their mean else (Xu et al. 2015).

    >>> import minidl
    >>> minidl.nn.RReLU(0.0, 0.5).eval()(minidl.tensor([-2.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    shown = ("lower", "upper")

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, its negative part times a."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class GLU(Module):
    """y = a·σ(b), a and b the two halves of x along `dim`: the gated linear unit (Dauphin et al. 2017).

    >>> import minidl
    >>> minidl.nn.GLU()(minidl.tensor([4.0, 0.0])).tolist()
    [2.0]
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the first half times the sigmoid of the second."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class Softmin(Module):
    """y_i = exp(-x_i) / Σ_j exp(-x_j) along `dim`.

    >>> import minidl
    >>> minidl.nn.Softmin(dim=1)(minidl.zeros(1, 4)).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    def __init__(self, dim: Any = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the softmax of the negative input along dim."""
        return F.softmin(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class Softmax(Module):
    """y_i = exp(x_i) / Σ_j exp(x_j) along `dim`: positive numbers that sum to 1.

    >>> import minidl
    >>> minidl.nn.Softmax(dim=1)(minidl.zeros(1, 4)).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    def __init__(self, dim: Any = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the softmax of the input along dim."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class Softmax2d(Module):
    """y[n,c,h,w] = exp(x[n,c,h,w]) / Σ_k exp(x[n,k,h,w]): a softmax over the channels at every place of an image.

    Shapes: x and y (N, C, H, W) or (C, H, W).

    >>> import minidl
    >>> minidl.nn.Softmax2d()(minidl.zeros(2, 1, 1)).flatten().tolist()
    [0.5, 0.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the softmax of the input over its channels."""
        if input.ndim not in (3, 4):
            raise ShapeError(f"Softmax2d: the input has shape {input.shape}, expected (N, C, H, W) or (C, H, W)")
        return F.softmax(input, -3)


class LogSoftmax(Module):
    """y_i = x_i - log Σ_j exp(x_j) along `dim`: the logarithm of the softmax, computed without overflow.

    >>> import minidl
    >>> minidl.nn.LogSoftmax(dim=1)(minidl.tensor([[0.0, 1000.0]])).tolist()
    [[-1000.0, 0.0]]
    """

    def __init__(self, dim: Any = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the logarithm of the softmax of the input along dim."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"
