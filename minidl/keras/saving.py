"""Models in files: what makes them, their weights and the optimizer's state, in one safetensors file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import minidl

from ..errors import ArgumentError, StateError
from . import layers, losses, metrics, optimizers
from .graph import KerasTensor
from .layers.base import Layer
from .layers.core import Operation
from .naming import as_json
from .values import leaves, mapped

FORMAT = "minidl.keras 1"
CUSTOM: dict[str, type[Any]] = {}  # classes that programs have registered


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Any:
    """Make a class known to load_model, as a decorator.

    >>> from minidl import keras
    >>> @keras.saving.register_keras_serializable()
    ... class Twice(keras.layers.Layer):
    ...     def call(self, x):
    ...         return 2 * x
    >>> keras.models.Sequential.from_config(keras.Sequential([Twice()]).get_config()).layers[0].name
    'twice'
    """

    def decorate(cls: type[Any]) -> type[Any]:
        CUSTOM[name or cls.__name__] = cls
        return cls

    return decorate


def known_classes(custom_objects: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return all classes that a configuration may name."""
    from .models import Model, Sequential

    own = {name: getattr(layers, name) for name in layers.__all__ if name not in ("Input", "Layer")}
    return {**own, "Operation": Operation, "Model": Model, "Sequential": Sequential, **CUSTOM, **(custom_objects or {})}


def layer_from(item: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the layer or model of a configuration {class_name, config}."""
    classes = known_classes(custom_objects)
    name = item["class_name"]
    if name not in classes:
        raise ArgumentError(
            f"the file holds a {name}, not known here; give load_model custom_objects={{{name!r}: {name}}}, or "
            f"decorate the class with @keras.saving.register_keras_serializable()"
        )
    cls = classes[name]
    if cls.from_config.__func__ in (classes["Sequential"].from_config.__func__, classes["Model"].from_config.__func__):
        return (
            cls.from_config(item["config"], custom_objects)
            if name in ("Sequential", "Model")
            else cls(**item["config"])
        )
    return cls.from_config(item["config"])


# -- the functional form ---------------------------------------------------------------------------------------------


def graph_config(model: Any) -> dict[str, Any]:
    """Return layers and calls of a functional model; symbols are numbered as they come."""
    graph = model.graph
    numbers: dict[int, int] = {}
    for symbol in leaves(graph.inputs):
        numbers[id(symbol)] = len(numbers)
    for node in graph.nodes:
        for symbol in leaves(node.outputs):
            numbers[id(symbol)] = len(numbers)

    def numbered(leaf: Any) -> Any:
        return {"symbol": numbers[id(leaf)]} if isinstance(leaf, KerasTensor) else as_json(leaf)

    own = graph.layers
    places = {id(layer): place for place, layer in enumerate(own)}
    return {
        "name": model.name,
        "inputs": mapped(numbered, graph.inputs), "outputs": mapped(numbered, graph.outputs),
        "symbols": [{"shape": list(s.shape), "dtype": str(s.dtype).split(".")[-1], "name": s.name}
                    for s in leaves(graph.inputs)],
        "layers": [as_json(layer) for layer in own],
        "nodes": [{"layer": places[id(node.layer)], "args": mapped(numbered, list(node.args)),
                   "kwargs": mapped(numbered, node.kwargs)} for node in graph.nodes],
    }  # fmt: skip


def model_from_graph(config: Mapping[str, Any], custom_objects: Any) -> Any:
    """Return a functional model of its configuration."""
    from .models import Model

    symbols = [KerasTensor(s["shape"], getattr(minidl, s["dtype"]), s["name"]) for s in config["symbols"]]
    made = [layer_from(item, custom_objects) for item in config["layers"]]

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return symbols[value["symbol"]] if set(value) == {"symbol"} else {k: filled(v) for k, v in value.items()}
        return [filled(item) for item in value] if isinstance(value, list) else value

    for node in config["nodes"]:
        outputs = made[node["layer"]](*filled(node["args"]), **filled(node["kwargs"]))
        symbols += leaves(outputs)
    return Model(filled(config["inputs"]), filled(config["outputs"]), name=config["name"])


# -- files -----------------------------------------------------------------------------------------------------------


def named_weights(model: Any) -> dict[str, Any]:
    """Return the weights by their paths in the model."""
    if not model.weights:
        raise StateError(f"{model.name!r} has no weights yet; call it on a batch first")
    return {f"{number}": w.detach() for number, w in enumerate(model.weights)}


def check_free(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Refuse to overwrite a file that should stay."""
    if not overwrite and os.path.exists(path):
        raise ArgumentError(f"filepath: {os.fspath(path)} exists already, and overwrite is False")


def save_weights(model: Any, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Save the weights."""
    check_free(path, overwrite)
    minidl.save({"format": FORMAT, "weights": named_weights(model)}, path)


def load_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Take the weights of a file."""
    state = read(path)
    model.set_weights(list(state["weights"].values()))


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a file holds, if it is one of ours."""
    state = minidl.load(path)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise StateError(f"{os.fspath(path)}: expected a file of model.save() or save_weights()")
    return state


def save_model(model: Any, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Save a model: class, configuration, shapes of the inputs, weights, and how it is compiled."""
    check_free(path, overwrite)
    state: dict[str, Any] = {
        "format": FORMAT, "weights": named_weights(model), "class_name": type(model).__name__,
        "config": model.get_config(), "seen": model.seen,
    }  # fmt: skip
    if model.optimizer is not None:
        state["compiled"] = model._compiled
        state["optimizer"] = model.optimizer.state()
    minidl.save(state, path)


def load_model(
    filepath: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Any:
    """Return a saved model.

    Args:
        filepath: what model.save wrote.
        custom_objects: classes of one's own by name, unless they are registered.
        compile: compile it as it was, with the optimizer's state.

    >>> import tempfile, pathlib
    >>> from minidl import keras
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    >>> keras.models.load_model(path).count_params()
    8
    """
    state = read(filepath)
    if "config" not in state:
        raise StateError(f"{os.fspath(filepath)} holds weights alone; make the model, and call load_weights")
    model = layer_from({"class_name": state["class_name"], "config": state["config"]}, custom_objects)
    if not isinstance(model, Layer):
        raise StateError(f"{os.fspath(filepath)} holds a {type(model).__name__}, expected a model")
    if not model.weights and state["seen"] is not None:
        with minidl.no_grad():  # a subclass makes its weights at the first call
            model(mapped_shapes(state["seen"]), training=False)
    model.set_weights(list(state["weights"].values()))
    if compile and state.get("compiled"):
        chosen = state["compiled"]
        if chosen["loss"] is not None:
            kept = [m for m in chosen["metrics"] if m is not None]
            model.compile(optimizers.get(chosen["optimizer"]), losses.get(chosen["loss"]),
                          [m if isinstance(m, str) else metrics.get(m) for m in kept])  # fmt: skip
            model.optimizer.load(state["optimizer"])
    return model


def mapped_shapes(seen: Any) -> Any:
    """Return zeros of the shapes that a model has seen."""
    if isinstance(seen, dict) and set(seen) == {"shape", "dtype"}:
        return minidl.zeros(1, *seen["shape"], dtype=getattr(minidl, seen["dtype"]))
    if isinstance(seen, dict):
        return {name: mapped_shapes(item) for name, item in seen.items()}
    return [mapped_shapes(item) for item in seen]
