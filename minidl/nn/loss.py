"""Losses: what training makes small. `reduction` is "mean", "sum" or "none" (one value per element or sample)."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ArgumentError
from ..functions.loss import REDUCTIONS, chosen
from ..tensor import Tensor
from . import functional as F
from .module import Module


class Loss(Module):
    """What the losses have in common: the reduction; PyTorch's older `size_average` and `reduce` ask for one too."""

    reductions: tuple[str, ...] = REDUCTIONS

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = chosen(reduction, size_average, reduce, self.reductions)


class WeightedLoss(Loss):
    """What the losses with a weight for each class have in common: the weight, a buffer."""

    weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, size_average: bool | None = None, reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class CrossEntropyLoss(WeightedLoss):
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

    def __init__(
        self, weight: Tensor | None = None, size_average: bool | None = None, ignore_index: int = -100,
        reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(weight, size_average, reduce, reduction)
        if not 0.0 <= label_smoothing <= 1.0:
            raise ArgumentError(f"label_smoothing must be from 0 to 1, got {label_smoothing!r}")
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the scores for these targets."""
        return F.cross_entropy(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


class NLLLoss(WeightedLoss):
    """l_n = -w[t_n] · x_n[t_n], for log-probabilities x and class labels t; the mean is weighted: Σ l_n / Σ w[t_n].

    After LogSoftmax it is the cross entropy. Shapes and options as there.

    >>> import minidl
    >>> x = minidl.nn.LogSoftmax(dim=1)(minidl.zeros(3, 10))
    >>> round(minidl.nn.NLLLoss()(x, minidl.tensor([1, 0, 4])).item(), 4)
    2.3026
    """

    def __init__(
        self, weight: Tensor | None = None, size_average: bool | None = None, ignore_index: int = -100,
        reduce: bool | None = None, reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(weight, size_average, reduce, reduction)
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

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the squared error."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """l = |x - t|, by default its mean over all elements. x and t have the same shape.

    >>> import minidl
    >>> minidl.nn.L1Loss()(minidl.tensor([1.0, 2.0]), minidl.tensor([1.0, 4.0])).item()
    1.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the absolute error."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """l = (x - t)²/(2·beta) where |x - t| < beta, else |x - t| - beta/2 (Girshick 2015, eq. 3).

    >>> import minidl
    >>> minidl.nn.SmoothL1Loss(reduction="none")(minidl.tensor([0.5, 3.0]), minidl.zeros(2)).tolist()
    [0.125, 2.5]
    """

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
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
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the error, squared where it is small."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(WeightedLoss):
    """l = -w·(t·log x + (1 - t)·log(1 - x)), for probabilities x and targets t from 0 to 1; log is at least -100.

    x, t and `weight` w, by default 1, have the same shape. For scores before a sigmoid take BCEWithLogitsLoss.

    >>> import minidl
    >>> round(minidl.nn.BCELoss()(minidl.tensor([0.5]), minidl.tensor([1.0])).item(), 4)
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the cross entropy of the probabilities."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """l = -w·(p·t·log σ(x) + (1 - t)·log(1 - σ(x))), for scores x and targets t from 0 to 1, without overflow.

    x, t and `weight` w, by default 1, have the same shape; `pos_weight` p, by default 1, weighs the positive targets.

    >>> import minidl
    >>> round(minidl.nn.BCEWithLogitsLoss()(minidl.tensor([0.0]), minidl.tensor([1.0])).item(), 4)
    0.6931
    """

    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, size_average: bool | None = None, reduce: bool | None = None,
        reduction: str = "mean", pos_weight: Tensor | None = None,
    ) -> None:  # fmt: skip
        super().__init__(weight, size_average, reduce, reduction)
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

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
        log_target: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the divergence."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """l = exp(x) - t·x for counts t and the logarithm x of their mean; x - t·log(x + eps) without `log_input`.

    `full` adds Stirling's approximation of log t! where t > 1.

    >>> import minidl
    >>> minidl.nn.PoissonNLLLoss()(minidl.zeros(1), minidl.tensor([3.0])).item()
    1.0
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, size_average: bool | None = None, eps: float = 1e-8,
        reduce: bool | None = None, reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """Return the negative log-likelihood of the counts."""
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Loss):
    """l = (log v + (x - t)²/v)/2 for a normal distribution's mean x and variance v, at least eps (Nix & Weigend 1994).

    `full` adds log(2π)/2.

    >>> import minidl
    >>> minidl.nn.GaussianNLLLoss()(minidl.zeros(2), minidl.ones(2), minidl.ones(2)).item()
    0.5
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """Return the negative log-likelihood of the targets."""
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class HingeEmbeddingLoss(Loss):
    """l = x where t = 1, max(0, margin - x) where t = -1, for distances x.

    >>> import minidl
    >>> minidl.nn.HingeEmbeddingLoss()(minidl.tensor([0.5]), minidl.tensor([-1.0])).item()
    0.5
    """

    def __init__(
        self, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the distances."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """l = log(1 + exp(-t·x)) for scores x and t = 1 or -1.

    >>> import minidl
    >>> round(minidl.nn.SoftMarginLoss()(minidl.zeros(1), minidl.ones(1)).item(), 4)
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the scores."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """l = Σ max(0, 1 - x[t] + x[c])/C over the true classes t and all others c; t up to the first -1 of each row.

    >>> import minidl
    >>> minidl.nn.MultiLabelMarginLoss()(minidl.tensor([[0.5, 0.0]]), minidl.tensor([[0, -1]])).item()
    0.25
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the scores for these classes."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """l = -Σ_c w_c·(t_c·log σ(x_c) + (1 - t_c)·log σ(-x_c))/C for scores x (N, C) and targets t from 0 to 1.

    >>> import minidl
    >>> round(minidl.nn.MultiLabelSoftMarginLoss()(minidl.zeros(1, 2), minidl.ones(1, 2)).item(), 4)
    0.6931
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the scores for these targets."""
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """l = Σ_{c ≠ t} w[t]·max(0, margin - x[t] + x[c])^p/C for scores x (N, C) and class labels t; p is 1 or 2.

    >>> import minidl
    >>> minidl.nn.MultiMarginLoss()(minidl.tensor([[0.5, 0.0]]), minidl.tensor([0])).item()
    0.25
    """

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, size_average: bool | None = None,
        reduce: bool | None = None, reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ArgumentError(f"p must be 1 or 2, got {p!r}")
        if weight is not None and weight.ndim != 1:
            raise ArgumentError(f"weight must have one dimension, got shape {weight.shape}")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the scores for these classes."""
        return F.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class MarginRankingLoss(Loss):
    """l = max(0, -t·(x1 - x2) + margin), t = 1 where x1 should be the larger, -1 where x2 should.

    >>> import minidl
    >>> minidl.nn.MarginRankingLoss()(minidl.zeros(1), minidl.ones(1), minidl.ones(1)).item()
    1.0
    """

    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the pairs."""
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """l = 1 - cos(x1, x2) where t = 1, max(0, cos(x1, x2) - margin) where t = -1.

    >>> import minidl
    >>> loss = minidl.nn.CosineEmbeddingLoss()
    >>> loss(minidl.tensor([[1.0, 0.0]]), minidl.tensor([[0.0, 1.0]]), minidl.ones(1)).item()
    1.0
    """

    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss of the pairs."""
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """l = max(0, ‖a - p‖ - ‖a - n‖ + margin) for anchors a, positives p and negatives n (Balntas et al. 2016).

    `p` is that of the norm; `swap` takes ‖p - n‖ where it is less than ‖a - n‖.

    >>> import minidl
    >>> round(minidl.nn.TripletMarginLoss()(minidl.zeros(1, 1), minidl.ones(1, 1), minidl.ones(1, 1)).item(), 4)
    1.0
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False,
        size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ArgumentError(f"margin must be positive, got {margin!r}")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss of the triplets."""
        return F.triplet_margin_loss(
            anchor, positive, negative, margin=self.margin, p=self.p, eps=self.eps, swap=self.swap,
            reduction=self.reduction,
        )  # fmt: skip


class TripletMarginWithDistanceLoss(Loss):
    """l = max(0, d(a, p) - d(a, n) + margin) with a `distance_function` d of one's own, by default ‖x - y‖.

    >>> import minidl
    >>> loss = minidl.nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs().sum(1))
    >>> loss(minidl.zeros(1, 2), minidl.ones(1, 2), minidl.ones(1, 2)).item()
    1.0
    """

    def __init__(
        self, *, distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0,
        swap: bool = False, reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ArgumentError(f"margin must be positive, got {margin!r}")
        self.distance_function = distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss of the triplets."""
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function, margin=self.margin, swap=self.swap,
            reduction=self.reduction,
        )  # fmt: skip
