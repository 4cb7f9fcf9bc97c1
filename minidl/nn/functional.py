"""The functions behind the layers: names only; the formulas stand in minidl/functions/ and minidl/ops/."""

from ..functions.activation import gelu, leaky_relu, log_softmax, relu, silu, softmax, softplus
from ..functions.indexing import one_hot
from ..functions.layers import conv2d, dropout, linear, max_pool2d
from ..functions.loss import cross_entropy, l1_loss, mse_loss, nll_loss
from ..ops import sigmoid, tanh

__all__ = [
    "conv2d",
    "cross_entropy",
    "dropout",
    "gelu",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
