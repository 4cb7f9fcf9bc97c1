"""Dropout."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .checks import probability
from .module import Module


class Dropout(Module):
    """y = x·m/(1-p) in training, with each m independently 0 with probability p, else 1; y = x in evaluation mode.

    The factor 1/(1-p) keeps the expected value (Hinton et al. 2012, Srivastava et al. 2014).

    >>> import minidl
    >>> dropout = minidl.nn.Dropout(0.5)
    >>> sorted(set(dropout(minidl.ones(1000)).tolist()))
    [0.0, 2.0]
    >>> dropout.eval()(minidl.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        probability("p", p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped, in training."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Dropout of whole channels: x (N, C, L) or (C, L), with one m for each channel of each sample.

    Neighbours in a channel tell nearly the same, so that dropping single values would change little (Tompson et al.
    2015).

    >>> import minidl
    >>> y = minidl.nn.Dropout1d(0.5)(minidl.ones(100, 3, 4))
    >>> bool((y.amax(2) == y.amin(2)).all())
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout):
    """Dropout of whole channels: x (N, C, H, W), with one m for each channel of each sample (Tompson et al. 2015).

    >>> import minidl
    >>> y = minidl.nn.Dropout2d(0.5)(minidl.ones(100, 3, 2, 2))
    >>> bool((y.amax((2, 3)) == y.amin((2, 3))).all())
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class AlphaDropout(Dropout):
    """Dropout for SELU: what is dropped gets SELU's value at -∞, and all is scaled back to the same mean and variance.

    See nn.functional.alpha_dropout (Klambauer et al. 2017, Self-normalizing neural networks).

    >>> import minidl
    >>> y = minidl.nn.AlphaDropout(0.5)(minidl.randn(10000))
    >>> abs(y.mean().item()) < 0.1, abs(y.std().item() - 1) < 0.1
    (True, True)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped, in training."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(Dropout):
    """AlphaDropout of whole channels: x (N, C, ...), with one m for each channel of each sample.

    >>> import minidl
    >>> y = minidl.nn.FeatureAlphaDropout(0.5)(minidl.ones(100, 3, 2))
    >>> bool((y.amax(2) == y.amin(2)).all())
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
