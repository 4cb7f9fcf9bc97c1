"""Programs for Keras that run with Keras 3 and with minidl.keras alike: `run(keras, name)` gives all figures.

`python tests/keras_programs.py` writes tests/golden/keras.npz with the Keras that is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent / "golden" / "keras.npz"


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def classes(count: int, of: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).integers(0, of, count)


def tokens(*shape: int, of: int, seed: int = 2) -> Any:
    return np.random.default_rng(seed).integers(0, of, shape)


def chapter(keras: Any) -> Any:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = keras.layers.Dense(128, activation="relu")
            self.fc2 = keras.layers.Dense(10)

        def call(self, x: Any) -> Any:
            return self.fc2(self.fc1(x))

    return Net(), numbers(64, 784), classes(64, 10), {
        "optimizer": keras.optimizers.SGD(learning_rate=0.01),
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["accuracy"]}  # fmt: skip


def dense(
    keras: Any, optimizer: Any, loss: Any = "mse", last: str | None = None, outputs: int = 3, y: Any = None
) -> Any:
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((6,)), layers.Dense(8, activation="tanh"), layers.Dense(7, activation="relu", use_bias=False),
        layers.Dense(outputs, activation=last)])  # fmt: skip
    return model, numbers(40, 6), numbers(40, outputs) if y is None else y, {"optimizer": optimizer, "loss": loss}


def convolution(keras: Any, padding: str = "same", strides: int = 1) -> Any:
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((11, 9, 2)), layers.Conv2D(5, (3, 2), padding=padding, strides=strides, activation="relu"),
        layers.BatchNormalization(), layers.MaxPooling2D((2, 3), strides=2, padding=padding),
        layers.Conv2D(4, 2, padding="same", dilation_rate=2), layers.ReLU(max_value=1.0, negative_slope=0.1),
        layers.AveragePooling2D(2, strides=1, padding=padding), layers.Flatten(), layers.Dropout(0.0),
        layers.Dense(3, activation="softmax")])  # fmt: skip
    return model, numbers(24, 11, 9, 2), classes(24, 3), {
        "optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}  # fmt: skip


def functional(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, padding="same", groups=3)(inputs)
    y = layers.Activation("relu")(layers.LayerNormalization()(x))
    y = layers.Conv2D(6, 3, padding="same")(y)
    x = layers.Add()([x, y])
    x = layers.Concatenate()([x, y])
    outputs = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    return model, numbers(20, 8, 8, 3), np.eye(4, dtype=np.float32)[classes(20, 4)], {
        "optimizer": keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        "loss": keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        "metrics": ["accuracy"]}  # fmt: skip


def recurrent(keras: Any, kind: str, **options: Any) -> Any:
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((7,), dtype="int32"), layers.Embedding(12, 5),
        getattr(layers, kind)(6, return_sequences=True, **options), getattr(layers, kind)(4, **options),
        layers.Dense(1, activation="sigmoid")])  # fmt: skip
    return model, tokens(30, 7, of=12), classes(30, 2).astype(np.float32)[:, None], {
        "optimizer": keras.optimizers.Adam(0.01), "loss": "binary_crossentropy", "metrics": ["accuracy"]}  # fmt: skip


def bidirectional(keras: Any, merge: str) -> Any:
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((5, 3)), layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode=merge),
        layers.Bidirectional(layers.GRU(3), merge_mode=merge), layers.Dense(2)])  # fmt: skip
    return model, numbers(18, 5, 3), numbers(18, 2), {
        "optimizer": keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "loss": "mse"}  # fmt: skip


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "chapter": chapter,
    "sgd": lambda k: dense(k, k.optimizers.SGD(0.1)),
    "momentum": lambda k: dense(k, k.optimizers.SGD(0.1, momentum=0.9)),
    "adam": lambda k: dense(k, k.optimizers.Adam(0.01, amsgrad=True), "mae"),
    "adam epsilon": lambda k: dense(k, k.optimizers.Adam(0.01, epsilon=0.1)),
    "adamw": lambda k: dense(k, k.optimizers.AdamW(0.01, weight_decay=0.1), k.losses.Huber()),
    "rmsprop": lambda k: dense(k, "rmsprop"),
    "adagrad": lambda k: dense(k, k.optimizers.Adagrad(0.1)),
    "clipped": lambda k: dense(k, k.optimizers.SGD(0.1, clipnorm=0.05)),
    "clipped together": lambda k: dense(k, k.optimizers.SGD(0.1, global_clipnorm=0.05)),
    "clipped values": lambda k: dense(k, k.optimizers.SGD(0.1, clipvalue=0.01)),
    "softmax": lambda k: dense(k, "sgd", "categorical_crossentropy", "softmax",
                               y=np.eye(3, dtype=np.float32)[classes(40, 3)]),
    "logits": lambda k: dense(k, "sgd", k.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2), outputs=2,
                              y=(numbers(40, 2, seed=5) > 0).astype(np.float32)),
    "same": convolution,
    "valid": lambda k: convolution(k, "valid"),
    "strided": lambda k: convolution(k, "same", 2),
    "functional": functional,
    "SimpleRNN": lambda k: recurrent(k, "SimpleRNN"),
    "SimpleRNN sigmoid": lambda k: recurrent(k, "SimpleRNN", activation="sigmoid"),
    "LSTM": lambda k: recurrent(k, "LSTM"),
    "LSTM relu": lambda k: recurrent(k, "LSTM", activation="relu", use_bias=False),
    "GRU": lambda k: recurrent(k, "GRU"),
    "GRU before": lambda k: recurrent(k, "GRU", reset_after=False),
    "concat": lambda k: bidirectional(k, "concat"),
    "ave": lambda k: bidirectional(k, "ave"),
}  # fmt: skip


def set_weights(model: Any) -> None:
    """Give a built model weights that depend on their shapes alone; moving variances stay positive."""
    rng = np.random.default_rng(9)
    weights = [
        rng.uniform(0.05, 0.5, w.shape) if w.ndim == 1 else rng.normal(0, 0.3, w.shape) for w in model.get_weights()
    ]
    model.set_weights([w.astype(np.float32) for w in weights])


def run(keras: Any, name: str) -> dict[str, Any]:
    """Return the losses of four epochs, the other figures, predictions before and after, and the last weights."""
    model, x, y, options = PROGRAMS[name](keras)
    model(x[:2])
    set_weights(model)
    before = model.predict(x, verbose=0)
    model.compile(**options)
    rate = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * (0.5 if epoch == 2 else 1.0))
    history = model.fit(
        x, y, batch_size=16, epochs=4, shuffle=False, verbose=0, validation_split=0.25, callbacks=[rate]
    )
    figures = {key: np.array(values) for key, values in history.history.items()}
    weights = np.concatenate([w.ravel() for w in model.get_weights()])
    return {**figures, "before": before, "after": model.predict(x, verbose=0), "weights": weights}


if __name__ == "__main__":
    import keras

    np.savez_compressed(
        GOLDEN, **{f"{name}/{key}": value for name in PROGRAMS for key, value in run(keras, name).items()}
    )
