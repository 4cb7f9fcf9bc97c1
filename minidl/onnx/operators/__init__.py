"""ONNX's operators as functions of Tensors, a table for each family: function(attributes, *inputs)."""

from . import elementwise, layers, recurrent, reducing, resizing, shaping
from .values import Attributes, Operator

OPERATORS: dict[str, Operator] = {
    **elementwise.OPERATORS,
    **shaping.OPERATORS,
    **reducing.OPERATORS,
    **layers.OPERATORS,
    **resizing.OPERATORS,
    **recurrent.OPERATORS,
}

__all__ = ["OPERATORS", "Attributes"]
