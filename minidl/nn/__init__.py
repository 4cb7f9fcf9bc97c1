"""Layers, losses and the Module they are made of, with PyTorch's names.

>>> import minidl
>>> from minidl import nn
>>> net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
>>> net(minidl.zeros(2, 28, 28)).shape
(2, 10)
"""

from minidl.nn import functional, init, utils
from minidl.nn.activation import GELU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from minidl.nn.container import Sequential
from minidl.nn.conv import Conv2d
from minidl.nn.dropout import Dropout
from minidl.nn.flatten import Flatten, Unflatten
from minidl.nn.linear import Identity, Linear
from minidl.nn.loss import CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from minidl.nn.module import Module
from minidl.nn.parameter import Parameter
from minidl.nn.pooling import MaxPool2d
from minidl.nn.rnn import RNN

__all__ = [
    "GELU",
    "RNN",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "L1Loss",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Unflatten",
    "functional",
    "init",
    "utils",
]
