"""Keras's layers: channels last, weights in Keras's shapes, made at the first call."""

from ..graph import Input
from .base import Layer
from .core import (
    Activation,
    Add,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    InputLayer,
    ReLU,
    Reshape,
    Softmax,
)
from .images import AveragePooling2D, Conv2D, GlobalAveragePooling2D, MaxPooling2D
from .normalization import BatchNormalization, LayerNormalization, Normalization
from .recurrent import GRU, LSTM, Bidirectional, SimpleRNN

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling2D",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNormalization",
    "MaxPooling2D",
    "Normalization",
    "ReLU",
    "Reshape",
    "SimpleRNN",
    "Softmax",
]
