"""What the textbook's program needs of TensorFlow: `import minidl.tf as tf` gives tf.keras and tf.GradientTape.

Beside these two there are `tf.Variable` and `tf.constant`; all other functions are minidl's own.
"""

from __future__ import annotations

import sys
from typing import Any

import minidl

from . import keras
from .errors import ArgumentTypeError, StateError
from .keras.values import Variable, as_tensor, leaves, mapped

for _name in [name for name in sys.modules if name.startswith(keras.__name__)]:
    sys.modules[_name.replace("minidl", __name__, 1)] = sys.modules[_name]  # for `from minidl.tf.keras import layers`

__all__ = ["GradientTape", "Variable", "constant", "keras"]

open_tapes: list[Any] = []


def constant(value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Return numbers as a tensor that is not trained.

    >>> from minidl import tf
    >>> tf.constant([1.0, 2.0])
    tensor([1., 2.])
    """
    tensor = as_tensor(value)
    if dtype is not None:
        tensor = tensor.to(getattr(minidl, str(dtype).split(".")[-1]))
    return tensor if shape is None else minidl.broadcast_to(tensor, tuple(shape)).reshape(*shape)


class GradientTape:
    """Records what is computed in its block; `gradient(loss, variables)` returns the gradients.

    minidl records at all times, so the tape only says where the gradients are taken. `persistent=True` allows several
    calls of `gradient`; inside another tape gradients are recorded themselves, for second derivatives.

    >>> from minidl import tf
    >>> x = tf.Variable(3.0)
    >>> with tf.GradientTape() as tape:
    ...     y = x**2
    >>> tape.gradient(y, x)
    tensor(6.)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self.persistent, self.watch_accessed_variables = persistent, watch_accessed_variables
        self.used = False
        self.mode: Any = None

    def __enter__(self) -> GradientTape:
        self.mode = minidl.enable_grad()
        self.mode.__enter__()
        open_tapes.append(self)
        return self

    def __exit__(self, *error: Any) -> None:
        open_tapes.remove(self)
        self.mode.__exit__(*error)

    def watch(self, tensor: Any) -> None:
        """Take gradients with respect to a tensor that is no variable."""
        for leaf in leaves(tensor):
            if not isinstance(leaf, minidl.Tensor):
                raise ArgumentTypeError(f"watch: got {type(leaf).__name__}, expected a tensor: tf.constant(...)")
            if not leaf.requires_grad:
                leaf.requires_grad_(True)

    def gradient(self, target: Any, sources: Any, output_gradients: Any = None) -> Any:
        """Return d(target)/d(source) for each source, in the structure of `sources`; None where it does not depend.

        Several targets, or one of several numbers, are added up.
        """
        if self.used and not self.persistent:
            raise StateError(
                "gradient() was called a second time on this GradientTape, which keeps its record once; write "
                "tf.GradientTape(persistent=True), or take all gradients in one call"
            )
        wanted = leaves(sources)
        for leaf in wanted:
            if not isinstance(leaf, minidl.Tensor):
                raise ArgumentTypeError(f"sources: got {type(leaf).__name__}, expected variables")
        self.used = True
        targets = [leaf for leaf in leaves(target) if isinstance(leaf, minidl.Tensor) and leaf.requires_grad]
        if not targets:
            return mapped(lambda _: None, sources)
        outer = bool(open_tapes)
        weights = [minidl.ones_like(y) for y in targets] if output_gradients is None else leaves(output_gradients)
        found = iter(minidl.autograd.grad(
            targets, [leaf for leaf in wanted if leaf.requires_grad], weights, allow_unused=True, create_graph=outer,
            retain_graph=self.persistent or outer,
        ))  # fmt: skip
        return mapped(lambda leaf: next(found) if leaf.requires_grad else None, sources)
