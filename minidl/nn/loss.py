"""Losses: what training makes small. `reduction` is "mean", "sum" or "none" (one value per element or sample)."""

from __future__ import annotations

from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from .checks import one_of
from .module import Module

REDUCTIONS = ("mean", "sum", "none")


class Loss(Module):
    """What the losses have in common: the reduction."""

    def __init__(self, reduction: str) -> None:
        super().__init__()
        self.reduction = one_of("reduction", reduction, REDUCTIONS)


class CrossEntropyLoss(Loss):
    """l_n = -w[t_n] · log softmax(x_n)[t_n], for scores x and class labels t; the mean is weighted: Σ l_n / Σ w[t_n].

    Shapes: x (N, C), (C) or (N, C, d1, ...) of scores, not probabilities; t without the dimension C, of int64 labels
    in 0..C-1, or of x's shape, floating, with a probability for each class.

    `weight` (C) is w, by default 1. Labels equal to `ignore_index` don't count. `label_smoothing` takes that part of
    each target and spreads it evenly over the classes (Szegedy et al. 2015, section 7).

    >>> import minidl
    >>> loss = minidl.nn.CrossEntropyLoss()
    >>> round(loss(minidl.zeros(3, 10), minidl.tensor([1, 0, 4])).item(), 4)        # log 10
    2.3026
    """

    weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(reduction)
        if not 0.0 <= label_smoothing <= 1.0:
            raise ArgumentError(f"label_smoothing must be from 0 to 1, got {label_smoothing!r}")
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the scores for these targets."""
        return F.cross_entropy(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


class NLLLoss(Loss):
    """l_n = -w[t_n] · x_n[t_n], for log-probabilities x and class labels t; the mean is weighted: Σ l_n / Σ w[t_n].

    After LogSoftmax it is the cross entropy. Shapes and options as there.

    >>> import minidl
    >>> x = minidl.nn.LogSoftmax(dim=1)(minidl.zeros(3, 10))
    >>> round(minidl.nn.NLLLoss()(x, minidl.tensor([1, 0, 4])).item(), 4)
    2.3026
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the log-probabilities for these targets."""
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class MSELoss(Loss):
    """l = (x - t)², by default its mean over all elements. x and t have the same shape.

    >>> import minidl
    >>> minidl.nn.MSELoss()(minidl.tensor([1.0, 2.0]), minidl.tensor([1.0, 4.0])).item()
    2.0
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the squared error."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """l = |x - t|, by default its mean over all elements. x and t have the same shape.

    >>> import minidl
    >>> minidl.nn.L1Loss()(minidl.tensor([1.0, 2.0]), minidl.tensor([1.0, 4.0])).item()
    1.0
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the absolute error."""
        return F.l1_loss(input, target, reduction=self.reduction)
