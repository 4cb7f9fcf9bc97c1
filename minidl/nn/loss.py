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

    reductions: tuple[str, ...] = REDUCTIONS

    def __init__(self, reduction: str) -> None:
        super().__init__()
        self.reduction = one_of("reduction", reduction, self.reductions)


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


class SmoothL1Loss(Loss):
    """l = (x - t)²/(2·beta) where |x - t| < beta, else |x - t| - beta/2 (Girshick 2015, eq. 3).

    >>> import minidl
    >>> minidl.nn.SmoothL1Loss(reduction="none")(minidl.tensor([0.5, 3.0]), minidl.zeros(2)).tolist()
    [0.125, 2.5]
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the error, squared where it is small."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """l = (x - t)²/2 where |x - t| < delta, else delta·(|x - t| - delta/2) (Huber 1964).

    >>> import minidl
    >>> minidl.nn.HuberLoss(reduction="none", delta=2.0)(minidl.tensor([0.5, 3.0]), minidl.zeros(2)).tolist()
    [0.125, 4.0]
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the error, squared where it is small."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(Loss):
    """l = -w·(t·log x + (1 - t)·log(1 - x)), for probabilities x and targets t from 0 to 1; log is at least -100.

    x, t and `weight` w, by default 1, have the same shape. For scores before a sigmoid take BCEWithLogitsLoss.

    >>> import minidl
    >>> round(minidl.nn.BCELoss()(minidl.tensor([0.5]), minidl.tensor([1.0])).item(), 4)
    0.6931
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the cross entropy of the probabilities."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """l = -w·(p·t·log σ(x) + (1 - t)·log(1 - σ(x))), for scores x and targets t from 0 to 1, without overflow.

    x, t and `weight` w, by default 1, have the same shape; `pos_weight` p, by default 1, weighs the positive targets.

    >>> import minidl
    >>> round(minidl.nn.BCEWithLogitsLoss()(minidl.tensor([0.0]), minidl.tensor([1.0])).item(), 4)
    0.6931
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the cross entropy of the scores' sigmoids."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(Loss):
    """l = t·(log t - x), for log-probabilities x and probabilities t; with `log_target` t are log-probabilities too.

    Its sum is the divergence of Kullback & Leibler (1951); `reduction="batchmean"` divides that by the batch's size, as
    the definition wants it, "mean" by the number of elements.

    >>> import minidl
    >>> x = minidl.tensor([[0.5, 0.5]]).log()
    >>> round(minidl.nn.KLDivLoss(reduction="batchmean")(x, minidl.tensor([[1.0, 0.0]])).item(), 4)
    0.6931
    """

    reductions = (*REDUCTIONS, "batchmean")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the divergence."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
