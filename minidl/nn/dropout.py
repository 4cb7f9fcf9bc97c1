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
