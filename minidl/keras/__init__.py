"""Keras's names on minidl's engine: layers, models, compile and fit. `import minidl.tf as tf` has it as tf.keras.

A layer here is an nn.Module whose weights have Keras's shapes and are made at the first call; a loss and an optimizer
call minidl's. Everything is built of public names, so that deleting this folder changes nothing else.

naming.py, values.py     names and configurations; variables and results
graph.py                 the functional form
layers/                  the layers
initializers.py, activations.py, losses.py, metrics.py, optimizers.py
models.py                Model and Sequential: compile, fit, evaluate, predict
batches.py, callbacks.py, progress.py, summary.py, saving.py, utils.py
"""

from . import activations, callbacks, initializers, layers, losses, metrics, models, optimizers, saving, utils
from .graph import Input, KerasTensor
from .models import Model, Sequential

models.load_model = saving.load_model  # type: ignore[attr-defined]  # Keras has it there too
backend = utils

__all__ = [
    "Input",
    "KerasTensor",
    "Model",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "saving",
    "utils",
]
