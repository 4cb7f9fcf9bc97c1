"""Schedules: rules that change an optimizer's learning rate from epoch to epoch.

scheduler.py   LRScheduler, the base, and LambdaLR, MultiplicativeLR, whose rule is the user's function
decay.py       the rate times a factor: StepLR, MultiStepLR, ExponentialLR, ConstantLR, LinearLR, PolynomialLR
cosine.py      along a cosine: CosineAnnealingLR, CosineAnnealingWarmRestarts
one_cycle.py   OneCycleLR
cyclic.py      CyclicLR
plateau.py     ReduceLROnPlateau, which looks at the loss
combined.py    several schedules: SequentialLR, ChainedScheduler
"""

from .combined import ChainedScheduler, SequentialLR
from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from .cyclic import CyclicLR
from .decay import ConstantLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR
from .one_cycle import OneCycleLR
from .plateau import ReduceLROnPlateau
from .scheduler import LambdaLR, LRScheduler, MultiplicativeLR

_LRScheduler = LRScheduler  # the name that older programs derive from

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
