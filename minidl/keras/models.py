"""Model and Sequential: layers put together, trained by compile and fit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import minidl

from ..errors import ArgumentError, ArgumentTypeError, StateError
from . import losses, metrics, optimizers, saving, summary
from .batches import Batches, split
from .callbacks import Callback, History
from .graph import Graph, KerasTensor
from .layers.base import Layer, ManyKinds
from .layers.core import InputLayer
from .naming import as_json
from .progress import Bar
from .values import leaves, mapped


class Model(ManyKinds, Layer):
    """What is trained: a subclass with a `call`, or the functional form Model(inputs, outputs).

    >>> from minidl import keras
    >>> class Net(keras.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc1 = keras.layers.Dense(128, activation="relu")
    ...         self.fc2 = keras.layers.Dense(10)
    ...     def call(self, x):
    ...         return self.fc2(self.fc1(x))
    >>> net = Net()
    >>> net([[0.0] * 784]).shape
    (1, 10)
    >>> inputs = keras.Input((784,))
    >>> keras.Model(inputs, keras.layers.Dense(10)(inputs)).count_params()
    7850
    """

    optimizer: Any = None
    loss: Any = None

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **options: Any) -> None:
        super().__init__(name=name, **options)
        self.stop_training = False
        self.history: Any = None
        self.graph: Graph | None = None
        self._metrics: list[Any] = []
        self._inner: Any = None
        self.seen: Any = None  # shape and dtype of the first inputs
        if (inputs is None) != (outputs is None):
            raise ArgumentError("Model: expected both inputs and outputs, or neither in a subclass with a call method")
        if inputs is not None:
            self.graph = Graph(inputs, outputs)
            self._inner = list(self.graph.layers)
            self.built = True
            self.output_shape = mapped(lambda symbol: symbol.shape, outputs)

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        if self.graph is None:
            raise NotImplementedError(
                f"{type(self).__name__} has no call method; write one: def call(self, inputs): ..."
            )
        return self.graph(inputs)

    def _build(self, inputs: Any) -> None:
        self.seen = mapped(lambda x: {"shape": list(x.shape[1:]), "dtype": str(x.dtype).split(".")[-1]}, inputs)
        super()._build(inputs)

    @property
    def layers(self) -> list[Any]:
        """The layers of the model, not those inside them."""

        def direct(module: Any) -> Iterable[Any]:
            for child in module.children():
                if isinstance(child, Layer):
                    yield child
                else:
                    yield from direct(child)

        return list(direct(self))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Return a layer by its name or its place."""
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ArgumentError(f"there is no layer {name!r}; there are {', '.join(layer.name for layer in self.layers)}")

    @property
    def inputs(self) -> list[Any]:
        """The symbols of the inputs, in the functional form."""
        return [] if self.graph is None else leaves(self.graph.inputs)

    @property
    def input(self) -> Any:
        """The symbol of what the model takes."""
        return super().input if self.graph is None else self.graph.inputs

    @property
    def output(self) -> Any:
        """The symbol of what the model makes."""
        return super().output if self.graph is None else self.graph.outputs

    # -- training ----------------------------------------------------------------------------------------------------

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, run_eagerly: bool | None = None,
        jit_compile: Any = None,
    ) -> None:  # fmt: skip
        """Say how to train: optimizer, loss and metrics, by name or as objects.

        `run_eagerly` and `jit_compile` change nothing here: every model runs eagerly.
        """
        from . import metrics as kinds

        self.optimizer = optimizers.get(optimizer)
        if isinstance(loss, (list, dict)) and not (isinstance(loss, dict) and "class_name" in loss):
            raise ArgumentTypeError(
                "loss: several losses are not supported; add them up in one function (y_true, y_pred)"
            )
        self.loss = None if loss is None else losses.get(loss)
        given = [] if metrics is None else metrics if isinstance(metrics, (list, tuple)) else [metrics]
        self._metrics = [m if m in ("accuracy", "acc") else kinds.get(m) for m in given]
        self._compiled = {"optimizer": as_json(self.optimizer), "loss": compiled(self.loss), "metrics": [
            m if isinstance(m, str) else compiled(m) for m in self._metrics]}  # fmt: skip
        self._loss = kinds.Mean("loss")
        self._trained: Any = None  # the variables, from the first step on

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: bool = True,
        class_weight: dict[int, float] | None = None, sample_weight: Any = None, initial_epoch: int = 0,
        steps_per_epoch: int | None = None, validation_steps: int | None = None,
        validation_batch_size: int | None = None, validation_freq: int = 1,
    ) -> History:  # fmt: skip
        """Train on arrays x and y, or on batches (inputs, labels) that x yields; return the History.

        Args:
            x, y: arrays with a sample in each row, or a DataLoader or generator as x alone.
            batch_size: samples in a step, 32 by default.
            verbose: 0 for nothing, 1 for a bar, 2 for a line an epoch; "auto" is 1.
            validation_split: share at the end of the arrays to measure on.
            validation_data: (x, y) or batches to measure on after each `validation_freq` epochs.
            shuffle: take the samples of arrays in a new order in each epoch.
            class_weight: how much the samples of each class count.
            initial_epoch, steps_per_epoch, validation_steps: where to begin, and how many batches to take.
        """
        self._check_compiled("fit")
        if validation_split:
            if validation_data is not None:
                raise ArgumentError("fit: give validation_split or validation_data, not both")
            (x, y, sample_weight), validation_data = split(x, y, sample_weight, validation_split)
        train = Batches(x, y, sample_weight, batch_size, shuffle, steps_per_epoch)
        held = None
        if validation_data is not None:
            parts = validation_data if isinstance(validation_data, (tuple, list)) else (validation_data,)
            x_held, y_held, weights_held = [*parts, None, None][:3]
            held = Batches(x_held, y_held, weights_held, validation_batch_size or batch_size, steps=validation_steps)
        mode = 1 if verbose in ("auto", True) else int(verbose)
        self.history = History()
        heard: list[Callback] = [*(callbacks if isinstance(callbacks, (list, tuple)) else filter(None, [callbacks]))]
        heard.append(self.history)
        for callback in heard:
            callback.set_model(self)
            callback.set_params({"epochs": epochs, "steps": train.length, "verbose": mode})
        each_batch = [c for c in heard if type(c).on_train_batch_end is not Callback.on_train_batch_end
                      or type(c).on_train_batch_begin is not Callback.on_train_batch_begin
                      or "on_train_batch_end" in vars(c) or "on_train_batch_begin" in vars(c)]  # fmt: skip
        self.stop_training, self._trained = False, None
        logs: dict[str, float] = {}
        for callback in heard:
            callback.on_train_begin({})
        for epoch in range(initial_epoch, epochs):
            for callback in heard:
                callback.on_epoch_begin(epoch, {})
            if mode:
                print(f"Epoch {epoch + 1}/{epochs}")
            measured = held if epoch % validation_freq == validation_freq - 1 else None
            logs = self._train_epoch(train, Bar(mode, train.length), each_batch, class_weight, measured)
            for callback in heard:
                callback.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        for callback in heard:
            callback.on_train_end(logs)
        return self.history

    def _train_epoch(
        self, train: Batches, bar: Bar, heard: list[Callback], class_weight: Any, held: Batches | None
    ) -> dict[str, float]:
        """Take a step for each batch; return the figures."""
        self._reset()
        done = 0
        for x, y, weights in train:
            for callback in heard:
                callback.on_train_batch_begin(done, {})
            if class_weight is not None:
                weights = weighted(y, weights, class_weight)
            self._step(x, y, weights)
            done += 1
            if heard:
                logs = self._figures()
                for callback in heard:
                    callback.on_train_batch_end(done - 1, logs)
            if bar.due():
                bar.update(done, self._figures())
            if self.stop_training:
                break
        if done == 0:
            raise ArgumentError("x: no batch came; is it a generator that has ended?")
        logs = self._figures()
        if held is not None:
            logs |= {f"val_{name}": value for name, value in self._measure(held).items()}
        bar.end(done, logs)
        return logs

    def _step(self, x: Any, y: Any, weights: Any) -> None:
        """Take one step: forward, backward, w ← w - α∇J(w)."""
        if y is None:
            raise ArgumentError("y: there are no labels; x must yield (inputs, labels)")
        outputs = self(x, training=True)
        loss = self.loss.value(y, outputs, weights)
        loss.backward()
        if self._trained is None:
            self._trained = self.trainable_variables
        self.optimizer.update(self._trained)
        self._note(y, outputs, loss, weights)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Take one step and return loss and metrics of the batch."""
        self._check_compiled("train_on_batch")
        (batch,) = Batches(x, y, sample_weight, batch_size=2**62)
        self._trained = None
        weights = batch[2] if class_weight is None else weighted(batch[1], batch[2], class_weight)
        self._reset()
        self._step(batch[0], batch[1], weights)
        return self._answer(self._figures(), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Return loss and metrics of a batch."""
        return self.evaluate(x, y, 2**62, verbose=0, sample_weight=sample_weight, return_dict=return_dict)

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
        sample_weight: Any = None, steps: int | None = None, return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """Return the loss, or [loss, metrics...], or a dict, over all batches."""
        self._check_compiled("evaluate")
        batches = Batches(x, y, sample_weight, batch_size, steps=steps)
        bar = Bar(1 if verbose in ("auto", True) else int(verbose), batches.length)
        figures = self._measure(batches)
        bar.end(batches.length or 1, figures)
        return self._answer(figures, return_dict)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None) -> Any:
        """Return the outputs for all samples, as arrays."""
        batches = Batches(x, None, None, batch_size, steps=steps)
        bar = Bar(1 if verbose in ("auto", True) else int(verbose), batches.length)
        answers = []
        with minidl.no_grad():
            for inputs, _, _ in batches:
                answers.append(self(inputs, training=False))
        bar.end(len(answers), {})
        if not answers:
            raise ArgumentError("x: no batch came")
        places = iter(zip(*[leaves(answer) for answer in answers], strict=True))
        return mapped(lambda _: np.concatenate([part.numpy() for part in next(places)]), answers[0])

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch, as arrays."""
        return self.predict(x, 2**62, verbose=0)

    # -- figures -----------------------------------------------------------------------------------------------------

    @property
    def metrics_names(self) -> list[str]:
        """The names of the figures."""
        return ["loss", *(m if isinstance(m, str) else m.name for m in self._metrics)]

    def _check_compiled(self, what: str) -> None:
        if self.optimizer is None:
            raise StateError(f"{what}: the model is not compiled; call model.compile(optimizer=..., loss=...) first")
        if self.loss is None:
            raise StateError(f"{what}: there is no loss; give compile one: model.compile(optimizer=..., loss=...)")

    def _reset(self) -> None:
        self._loss.reset_state()
        for metric in self._metrics:
            if not isinstance(metric, str):
                metric.reset_state()

    def _note(self, y: Any, outputs: Any, loss: Any, weights: Any) -> None:
        """Add a batch to the figures."""
        count = len(leaves(y)[0])
        self._loss.total += loss.item() * count
        self._loss.count += count
        for place, metric in enumerate(self._metrics):
            if isinstance(metric, str):
                metric = self._metrics[place] = metrics.accuracy_for(leaves(y)[0], leaves(outputs)[0], metric)
            metric.update_state(y, outputs)

    def _figures(self) -> dict[str, float]:
        """Return the figures so far, in the order of their names."""
        figures = {"loss": self._loss.result()}
        figures |= {m.name: m.result() for m in self._metrics if not isinstance(m, str)}
        return dict(sorted(figures.items()))

    def _answer(self, figures: dict[str, float], as_dict: bool) -> Any:
        if as_dict:
            return figures
        values = [figures[name] for name in self.metrics_names]
        return values if len(values) > 1 else values[0]

    def _measure(self, batches: Batches) -> dict[str, float]:
        """Return the figures over batches, in use."""
        self._reset()
        with minidl.no_grad():
            for x, y, weights in batches:
                if y is None:
                    raise ArgumentError("y: there are no labels to compare with")
                outputs = self(x, training=False)
                self._note(y, outputs, self.loss.value(y, outputs, weights), None)
        figures = self._figures()
        self._reset()
        return figures

    # -- files and the table -----------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of this shape; a subclass makes them at its first call."""

    def summary(self, line_length: int = 80, print_fn: Any = print) -> None:
        """Print a table of the layers, their output shapes and how many weights they have."""
        print_fn(summary.text(self, line_length))

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Save configuration, weights and the optimizer's state; keras.models.load_model reads them."""
        saving.save_model(self, filepath, overwrite)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Save the weights."""
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Take the weights of a file."""
        saving.load_weights(self, filepath)

    def get_config(self) -> dict[str, Any]:
        """Return what makes such a model."""
        if self.graph is not None and type(self) is Model:
            return saving.graph_config(self)
        return super().get_config()

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """Make a model of its configuration."""
        if cls is Model and "nodes" in config:
            return saving.model_from_graph(config, custom_objects)
        return super().from_config(config)


class Sequential(Model):
    """Layers one after the other.

    >>> from minidl import keras
    >>> model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, "relu"), keras.layers.Dense(10)])
    >>> model.count_params()
    101770
    """

    def __init__(self, layers: Sequence[Any] | None = None, name: str | None = None, **options: Any) -> None:
        super().__init__(name=name, **options)
        self._inner = minidl.nn.ModuleList()
        self.symbol: Any = None  # of the last output, where the input's shape is known
        self.first: Any = None
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Put a layer at the end."""
        if isinstance(layer, InputLayer):
            layer = layer.symbol
        if isinstance(layer, KerasTensor):
            if len(self._inner) or self.first is not None:
                raise ArgumentError("Sequential: the Input must come first")
            self.first = self.symbol = layer
            return
        if not isinstance(layer, Layer):
            what = "the class" if isinstance(layer, type) else type(layer).__name__
            raise ArgumentTypeError(f"Sequential: got {what} {layer!r}, expected a layer of keras.layers")
        if any(layer is other for other in self._inner):
            raise ArgumentError(f"Sequential: the layer {layer.name!r} is there already")
        if self.first is None and not len(self._inner) and layer.input_shape is not None:
            self.first = self.symbol = KerasTensor((None, *layer.input_shape))
        self._inner.append(layer)
        if self.symbol is not None:
            self.symbol = layer(self.symbol)
            self.output_shape = self.symbol.shape
            self.built = True

    def pop(self) -> None:
        """Take the last layer away."""
        layers = list(self._inner)
        if not layers:
            raise StateError("Sequential: there is no layer to take away")
        self._inner = minidl.nn.ModuleList(layers[:-1])
        if self.first is not None:
            self.symbol = layers[-1].input
            self.output_shape = self.symbol.shape

    @property
    def input(self) -> Any:
        """The symbol of what the model takes."""
        return super().input if self.first is None else self.first

    @property
    def output(self) -> Any:
        """The symbol of what the model makes."""
        return super().output if self.symbol is None else self.symbol

    @property
    def inputs(self) -> list[Any]:
        """The symbols of the inputs, where their shape is known."""
        return [] if self.first is None else [self.first]

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of this shape, (None, ...)."""
        if self.symbol is None and not self.built and any(not layer.built for layer in self._inner):
            symbol: Any = KerasTensor(input_shape)
            for layer in self._inner:
                symbol = layer(symbol)
            self.output_shape = symbol.shape

    def call(self, inputs: Any) -> Any:
        """Compute layer after layer."""
        for layer in self._inner:
            inputs = layer(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Return the layers' configurations."""
        shape = None if self.first is None else list(self.first.shape)
        return {"name": self.name, "input_shape": shape, "layers": [as_json(layer) for layer in self._inner],
                "dtype": None if self.first is None else str(self.first.dtype).split(".")[-1]}  # fmt: skip

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """Make the model of its configuration."""
        layers: list[Any] = [saving.layer_from(item, custom_objects) for item in config["layers"]]
        if config.get("input_shape"):
            kind = getattr(minidl, config.get("dtype") or "float32")
            layers.insert(0, KerasTensor(config["input_shape"], kind))
        return cls(layers, name=config["name"])


def compiled(value: Any) -> Any:
    """Return a loss or metric as JSON can hold it; None for a function of one's own, which it cannot."""
    if type(value) in (*losses.CLASSES.values(), *metrics.CLASSES.values()):
        return as_json(value)
    return None


def weighted(y: Any, weights: Any, class_weight: dict[int, float]) -> Any:
    """Return the weights of samples by their classes."""
    labels = leaves(y)[0]
    numbers = labels.argmax(-1) if labels.ndim > 1 and labels.shape[-1] > 1 else labels.reshape(labels.shape[0])
    by_class = [class_weight.get(int(k), 1.0) for k in numbers.long().tolist()]
    return minidl.tensor(by_class) if weights is None else minidl.tensor(by_class) * weights
