"""Optimizers: rules that change parameters by their gradients, and schedules for their learning rate.

>>> import minidl
>>> from minidl import nn, optim
>>> model = nn.Linear(1, 1)
>>> optimizer = optim.SGD(model.parameters(), lr=0.1)
>>> x, y = minidl.tensor([[0.0], [1.0]]), minidl.tensor([[1.0], [3.0]])
>>> for step in range(500):
...     optimizer.zero_grad()
...     loss = nn.functional.mse_loss(model(x), y)
...     loss.backward()
...     optimizer.step()
>>> round(model.weight.item(), 3), round(model.bias.item(), 3)
(2.0, 1.0)
"""

from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .asgd import ASGD
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "ASGD",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "swa_utils",
]
