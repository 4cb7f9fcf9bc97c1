"""Layer: the base of Keras's layers and models, a Module that is built when it first sees an input."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

import minidl

from ... import nn
from ...errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from .. import graph, initializers
from ..naming import Configured, as_json, check_unknown, snake, unique
from ..values import Array, Variable, as_result, as_tensors, leaves, mapped

TRAINING: ContextVar[bool | None] = ContextVar("training", default=None)  # None: no layer is being called


class Layer(Configured, nn.Module):
    """The base of all layers: `build(input_shape)` makes the weights at the first call, `call(inputs)` computes.

    A layer takes its `training` from the call around it; by itself it is in use, not in training, as in Keras.

    Args:
        name: by default the class's name in small letters, with a number.
        trainable: whether its weights are trained.
        dtype: of its weights, by default minidl's default dtype.
        input_shape: of one sample, for the first layer of a Sequential.

    >>> from minidl import keras
    >>> class Double(keras.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...     def call(self, x):
    ...         return 2 * self.scale * x
    >>> layer = Double()
    >>> layer([[1.0, 2.0]]).numpy()
    array([[2., 4.]], dtype=float32)
    >>> [w.shape for w in layer.weights]
    [(2,)]
    """

    rank: int | None = None  # how many dimensions inputs must have, the batch included
    least_rank = 0
    features: int | None = None  # the size of the last dimension, once built
    takes_integers = False  # whether integers stay integers

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "forward" in cls.__dict__ and cls.__module__.split(".")[0] != __name__.split(".")[0]:
            raise ArgumentError(
                f"{cls.__name__} has a method forward; in Keras it is named call: def call(self, x): ..."
            )

    def __init__(
        self, name: str | None = None, trainable: bool = True, dtype: Any = None,
        input_shape: Sequence[int | None] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        check_unknown(self, options)
        self.name = name or unique(snake(type(self).__name__))
        self.dtype = minidl.get_default_dtype() if dtype is None else getattr(minidl, str(dtype).split(".")[-1])
        self.built = False
        self.input_shape = None if input_shape is None else tuple(input_shape)
        self.output_shape: Any = None
        self._trainable = bool(trainable)
        self._nodes: list[Any] = []
        self._call_options = set(inspect.signature(self.call).parameters)

    # -- what a subclass writes --------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights; `input_shape` has None for the batch."""

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no call method; write one: def call(self, inputs): ...")

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = "glorot_uniform", dtype: Any = None, trainable: bool = True,
        name: str | None = None,
    ) -> Any:  # fmt: skip
        """Return a new weight, to be assigned to an attribute."""
        values = initializers.get(initializer)(tuple(shape), dtype or self.dtype)
        if not trainable:
            return nn.Buffer(values)
        variable = Variable(values, requires_grad=self._trainable)
        variable.name = name or "variable"
        return variable

    # -- the call ----------------------------------------------------------------------------------------------------

    def forward(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Build the layer if need be, look at the shape, and compute."""
        if not args:
            raise ArgumentTypeError(f"{self.name}: got no inputs")
        if graph.is_symbolic(args) or (kwargs and graph.is_symbolic(kwargs)):
            return graph.record(self, args, kwargs)
        around = TRAINING.get()
        inputs = args[0]
        inputs = self._taken(inputs) if isinstance(inputs, minidl.Tensor) else mapped(self._taken, as_tensors(inputs))
        first = not self.built
        if first:
            self._build(inputs)
        if self.features is not None or self.rank is not None or self.least_rank:
            self._check(inputs)
        mode = bool(around) if training is None else training
        if "training" in self._call_options:
            kwargs["training"] = mode
        token = TRAINING.set(mode)
        try:
            outputs = self.call(inputs, *args[1:], **kwargs)
        finally:
            TRAINING.reset(token)
        if first:
            self.output_shape = mapped(lambda y: (None, *y.shape[1:]) if hasattr(y, "shape") else None, outputs)
        return as_result(outputs) if around is None else outputs

    def _taken(self, value: Any) -> Any:
        """Return an input in the layer's dtype."""
        if value is None:
            return None
        keeps = isinstance(self, ManyKinds) or (self.takes_integers and not value.is_floating_point())
        return value if keeps or value.dtype == self.dtype else value.to(self.dtype)

    def _build(self, inputs: Any) -> None:
        shapes = mapped(lambda x: None if x is None else (None, *x.shape[1:]), inputs)
        if isinstance(inputs, minidl.Tensor):
            self._check(inputs)
        with minidl.enable_grad():
            self.build(shapes)
        self.built = True

    def _check(self, inputs: Any) -> None:
        """Refuse an input whose shape does not fit."""
        for x in leaves(inputs):
            bad = (self.rank is not None and x.ndim != self.rank) or x.ndim < self.least_rank
            if not bad and self.features in (None, x.shape[-1] if x.ndim else None):
                continue
            sizes = ["batch"] + ["…"] * (max(self.rank or 0, self.least_rank, 2) - 2)
            last = "features" if self.features is None else str(self.features)
            wanted = ", ".join([*sizes, last])
            raise ShapeError(
                f"layer {self.name!r} ({type(self).__name__}): expected inputs of shape ({wanted}), got "
                f"{tuple(x.shape)}{self._advice(x)}"
            )

    def _advice(self, x: Any) -> str:
        if self.rank == 4 and x.ndim == 3:
            return "; images are (batch, height, width, channels): add the channels by x[..., None]"
        if self.features is not None and x.ndim > 2 and int(np.prod(x.shape[1:])) == self.features:
            return "; put a Flatten layer before it"
        if self.rank == 4 and x.ndim == 4 and x.shape[1] == self.features:
            return "; the channels come last: x.permute(0, 2, 3, 1)"
        return ""

    # -- weights -----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("_nodes",) and isinstance(value, (list, tuple, dict)) and value:
            items = list(value.values()) if isinstance(value, dict) else list(value)
            if all(isinstance(item, nn.Module) for item in items):
                value = nn.ModuleDict(value) if isinstance(value, dict) else nn.ModuleList(items)
        super().__setattr__(name, value)

    def _split(self) -> tuple[list[Any], list[Any], list[Any]]:
        """Return all weights in order, the trainable ones and the others."""
        weights: list[Any] = []
        trainable: list[Any] = []
        for module in self.modules():
            own = list(module.parameters(recurse=False))
            weights += own + list(module.buffers(recurse=False))
            if getattr(module, "trainable", True):
                trainable += own
        unique_weights = list({id(w): w for w in weights}.values())
        ids = {id(w) for w in trainable}
        return (
            unique_weights,
            [w for w in unique_weights if id(w) in ids],
            [w for w in unique_weights if id(w) not in ids],
        )

    @property
    def weights(self) -> list[Any]:
        """All weights, each layer's trainable ones before its others."""
        return self._split()[0]

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that are trained."""
        return self._split()[1]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The weights that are not trained, such as moving means."""
        return self._split()[2]

    variables, trainable_variables, non_trainable_variables = weights, trainable_weights, non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained; assigned, it holds for all layers inside."""
        return bool(self._trainable)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for module in self.modules():
            if isinstance(module, Layer):
                module._trainable = bool(value)
                for weight in module.parameters(recurse=False):
                    weight.requires_grad_(bool(value))

    def get_weights(self) -> list[Array]:
        """Return copies of all weights."""
        return [w.detach().numpy().copy() for w in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take other values for all weights, in the order of `get_weights`."""
        own = self.weights
        if len(own) != len(weights):
            raise ArgumentError(
                f"set_weights of {self.name!r}: expected {len(own)} arrays, got {len(weights)}"
                + ("; call the model on a batch first, which makes its weights" if not own else "")
            )
        arrays = [np.asarray(w.detach() if isinstance(w, minidl.Tensor) else w) for w in weights]
        for number, (w, array) in enumerate(zip(own, arrays, strict=True)):
            if tuple(w.shape) != array.shape:
                raise ShapeError(
                    f"set_weights of {self.name!r}: array {number} has shape {array.shape}, expected {tuple(w.shape)}"
                )
        with minidl.no_grad():
            for w, array in zip(own, arrays, strict=True):
                w.copy_(minidl.tensor(array).to(w.dtype))

    def count_params(self) -> int:
        """Return how many numbers the weights have."""
        return sum(w.numel() for w in self.weights)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Say that Keras has no gradients to clear."""
        raise StateError(
            "zero_grad() is PyTorch's; in Keras gradients are not added up: leave the line out, and take them by "
            "tape.gradient(loss, model.trainable_variables)"
        )

    # -- symbols and configurations ----------------------------------------------------------------------------------

    def note_node(self, node: Any) -> None:
        """Remember a symbolic call."""
        self._nodes.append(node)
        self.output_shape = mapped(lambda symbol: symbol.shape, node.outputs)

    @property
    def output(self) -> Any:
        """The symbol of what the layer makes, in a functional model."""
        if not self._nodes:
            raise StateError(f"layer {self.name!r} has no output: it has not been called on an Input")
        return self._nodes[0].outputs

    @property
    def input(self) -> Any:
        """The symbol of what the layer takes, in a functional model."""
        if not self._nodes:
            raise StateError(f"layer {self.name!r} has no input: it has not been called on an Input")
        return self._nodes[0].args[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the outputs for inputs of this shape, found by computing with zeros."""
        shapes = [input_shape] if isinstance(input_shape[0], (int, type(None))) else list(input_shape)
        symbols = [graph.KerasTensor(shape) for shape in shapes]
        made = graph.record(self, (symbols[0] if len(symbols) == 1 else symbols,), {})
        self._nodes.pop()
        return mapped(lambda symbol: symbol.shape, made)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        config = super().get_config()
        parameters = inspect.signature(type(self).__init__).parameters
        if "name" in parameters or any(p.kind == inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
            config["name"] = as_json(self.name)
        return config

    def extra_repr(self) -> str:
        """Return the layer's name."""
        return f"name={self.name}"


class ManyKinds:
    """A mark for what passes its inputs on as they are, such as a model."""
