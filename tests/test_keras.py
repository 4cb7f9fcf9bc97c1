"""minidl.keras: figures equal Keras 3's, the textbook's program by fit and by a tape, files, callbacks, slips.

The golden figures were computed with Keras 3.15 on PyTorch (tests/keras_programs.py); where Keras is installed the two
are compared live as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras_programs
import numpy as np
import pytest

import minidl
from minidl import keras, tf
from minidl.data import FashionMNIST
from minidl.keras import callbacks, layers, losses, metrics, optimizers

GOLDEN = np.load(keras_programs.GOLDEN)


@pytest.mark.parametrize("name", keras_programs.PROGRAMS)
def test_figures_are_keras(name: str) -> None:
    ours = keras_programs.run(keras, name)
    keys = {key.split("/", 1)[1] for key in GOLDEN.files if key.startswith(f"{name}/")}
    assert set(ours) == keys
    for key in keys:
        np.testing.assert_allclose(ours[key], GOLDEN[f"{name}/{key}"], rtol=1e-4, atol=1e-4, err_msg=key)


def test_the_installed_keras_gives_the_golden_figures(tmp_path: Path) -> None:
    if find_spec("keras") is None or find_spec("torch") is None:
        pytest.skip("needs keras and torch")
    program = (
        "import keras, keras_programs as p, numpy as np, minidl.keras as own\n"
        "for name in ('chapter', 'same', 'LSTM', 'adam'):\n"
        "    ours, theirs = p.run(own, name), p.run(keras, name)\n"
        "    assert set(ours) == set(theirs)\n"
        "    for key in ours:\n"
        "        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-4, atol=1e-4, err_msg=key)\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(minidl.__file__).parents[1])])
    environment = {**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": paths, "KERAS_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


# -- the textbook's program ------------------------------------------------------------------------------------------


class Net(tf.keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = layers.Dense(128, activation="relu")
        self.fc2 = layers.Dense(10)

    def call(self, x: Any) -> Any:
        return self.fc2(self.fc1(x))


def images(count: int = 2000) -> tuple[Any, Any]:
    source = FashionMNIST()
    pixels = np.asarray(source.data[:count]).reshape(count, 784).astype(np.float32) / 255
    return pixels, np.asarray(source.targets[:count])


def test_the_program_by_fit(capsys: pytest.CaptureFixture[str]) -> None:
    keras.utils.set_random_seed(0)
    x, y = images()
    net = Net()
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(optimizer=tf.keras.optimizers.SGD(learning_rate=0.05), loss=loss, metrics=["accuracy"])
    history = net.fit(x, y, epochs=5, validation_split=0.2)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.history["val_accuracy"][-1] > 0.65
    out = capsys.readouterr().out
    assert "Epoch 1/5\n50/50 ━━━━━━━━━━━━━━━━━━━━ " in out and " - val_loss: " in out
    measured = net.evaluate(x, y, verbose=0)
    assert len(measured) == 2 and measured[1] > 0.65
    assert net.predict(x[:7], verbose=0).shape == (7, 10) and capsys.readouterr().out == ""


def test_the_program_by_a_tape() -> None:
    keras.utils.set_random_seed(0)
    x, y = images(800)
    net, loss_fn = Net(), losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer, seen = optimizers.SGD(learning_rate=0.05), []
    for _ in range(4):
        for start in range(0, 800, 32):
            with tf.GradientTape() as tape:
                loss = loss_fn(y[start : start + 32], net(x[start : start + 32], training=True))
            gradients = tape.gradient(loss, net.trainable_variables)
            optimizer.apply_gradients(zip(gradients, net.trainable_variables, strict=True))
            seen.append(float(loss.numpy()))
    assert np.mean(seen[-10:]) < 0.6 * seen[0] and optimizer.iterations == 100


def test_fit_and_a_tape_take_the_same_steps() -> None:
    x, y = images(96)
    a, b = Net(), Net()
    a(x[:1]), b(x[:1])
    b.set_weights(a.get_weights())
    loss_fn = losses.SparseCategoricalCrossentropy(from_logits=True)
    a.compile("adam", loss_fn)
    a.fit(x, y, shuffle=False, verbose=0)
    optimizer = optimizers.Adam()
    for start in range(0, 96, 32):
        with tf.GradientTape() as tape:
            loss = loss_fn(y[start : start + 32], b(x[start : start + 32], training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, b.trainable_variables), b.trainable_variables, strict=True))
    for ours, theirs in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_slips_of_the_program() -> None:
    x, y = images(32)
    net, loss_fn, optimizer = Net(), losses.SparseCategoricalCrossentropy(from_logits=True), optimizers.SGD(0.01)
    outputs = net(x)
    with pytest.raises(TypeError, match=r"the labels first, unlike PyTorch: loss\(labels, outputs\)"):
        loss_fn(outputs, y)
    with pytest.raises(TypeError, match=r"the labels first"):
        losses.MeanSquaredError()(outputs, np.zeros((32, 10)))
    loss = loss_fn(y, outputs)
    for act in (loss.backward, outputs.backward, optimizer.zero_grad, optimizer.step, net.zero_grad, net.fc1.zero_grad):
        with pytest.raises(RuntimeError, match="is PyTorch's; "):
            act()
    with pytest.warns(losses.KerasWarning, match="a softmax is applied twice"):
        loss_fn(y, tf.keras.activations.softmax(outputs))
    with pytest.warns(losses.KerasWarning, match=r"write from_logits=True"):
        losses.SparseCategoricalCrossentropy()(y, outputs)
    with pytest.raises(TypeError, match="lr is PyTorch's word; Keras says learning_rate=0.1"):
        optimizers.SGD(lr=0.1)
    with pytest.raises(TypeError, match=r"use keras\.optimizers\.SGD\(learning_rate"):
        net.compile(minidl.optim.SGD(net.parameters(), lr=0.1), loss_fn)
    with pytest.raises(ValueError, match="in Keras it is named call"):

        class Forward(keras.Model):
            def forward(self, x: Any) -> Any:
                return x

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):

        class Bare(keras.Model):
            def __init__(self) -> None:
                self.fc = layers.Dense(1)

        Bare()


def test_no_warning_where_all_is_well() -> None:
    x, y = images(32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.SparseCategoricalCrossentropy(from_logits=True)(y, Net()(x))
        losses.SparseCategoricalCrossentropy()(y, tf.keras.activations.softmax(Net()(x)))


# -- bad input -------------------------------------------------------------------------------------------------------

BAD: list[tuple[Any, Any, str]] = [
    (lambda: Net()(np.zeros((2, 28, 28))) and None, None, ""),
    (lambda: built(Net())(np.zeros((2, 28, 28))), ValueError, r"layer 'dense.*\(batch, …, 784\)|Flatten"),
    (lambda: layers.Conv2D(4, 3)(np.zeros((2, 28, 28))), ValueError, r"got \(2, 28, 28\); images.*x\[\.\.\., None\]"),
    (lambda: layers.LSTM(4)(np.zeros((2, 28))), ValueError, r"got \(2, 28\)"),
    (lambda: layers.Dense(4, activation="rellu"), ValueError, "did you mean 'relu'"),
    (lambda: layers.Dense(4, activaton="relu"), TypeError, "did you mean 'activation'"),
    (lambda: layers.Dense(0), ValueError, "units is 0"),
    (lambda: layers.Dense(2, kernel_initializer="glorot"), ValueError, "did you mean 'glorot_"),
    (lambda: layers.Embedding(4, 2)(np.array([[5]])), IndexError, "5"),
    (lambda: layers.Embedding(4, 2, mask_zero=True), ValueError, "mask_zero"),
    (lambda: keras.Sequential([layers.Dense]), TypeError, "the class"),
    (lambda: Net().compile("adm"), ValueError, "did you mean 'adam'"),
    (lambda: Net().compile("adam", "sparse_categorical_crossentropi"), ValueError, "did you mean 'sparse_"),
    (lambda: Net().compile("adam", "mse", ["acuracy"]), ValueError, "did you mean 'accuracy'"),
    (lambda: Net().fit(*images(8)), RuntimeError, "not compiled"),
    (lambda: ready().fit(images(8)[0], images(4)[1]), ValueError, "x has 8 samples, y has 4"),
    (lambda: ready().fit(images(8)[0]), ValueError, "no labels"),
    (lambda: ready().fit(images(8)[0][:0], images(8)[1][:0]), ValueError, "no samples"),
    (lambda: ready().fit(*images(8), batch_size=0), ValueError, "batch_size: got 0"),
    (lambda: ready().fit(*images(8), validation_split=1.5), ValueError, "validation_split: got 1.5"),
    (lambda: ready().fit(images(8)[0], np.eye(10)[images(8)[1]]), ValueError, "one-hot labels.*CategoricalCross"),
    (lambda: ready("categorical_crossentropy").fit(*images(8)), ValueError, "use SparseCategoricalCrossentropy"),
    (lambda: ready().fit(images(8)[0], images(8)[1] + 3), IndexError, "target 1[0-2] "),
    (lambda: ready().set_weights([np.zeros(3)]), ValueError, "expected 0 arrays, got 1; call the model"),
    (lambda: ready("mse").fit(images(8)[0], np.zeros((8, 3))), ValueError, r"shape \(8, 3\) and y_pred \(8, 10\)"),
    (lambda: keras.Model(keras.Input((3,))), ValueError, "expected both inputs and outputs"),
    (lambda: keras.Model(keras.Input((3,)), layers.Dense(2)(keras.Input((3,)))), ValueError, "not among the inputs"),
    (lambda: keras.Input(3), TypeError, r"such as \(784,\)"),
    (lambda: optimizers.SGD(-1.0), ValueError, "learning_rate is -1.0"),
    (lambda: optimizers.SGD(0.1).apply_gradients([(None, tf.Variable(1.0))]), ValueError, "no variable has a gradient"),
    (lambda: optimizers.SGD(0.1).apply_gradients([1]), TypeError, "expected pairs"),
    (lambda: layers.Normalization()([[1.0]]), RuntimeError, "adapt"),
    (lambda: keras.models.load_model(__file__), RuntimeError, "expected a safetensors file"),
]  # fmt: skip


def built(model: Any) -> Any:
    model(np.zeros((1, 784)))
    return model


def ready(loss: str | None = None) -> Any:
    model = Net()
    model.compile("sgd", loss or losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize(("act", "error", "words"), BAD[1:])
@pytest.mark.filterwarnings("ignore::minidl.keras.losses.KerasWarning")
def test_bad_input_is_named(act: Any, error: type[Exception], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(error, match=words):
        act()


# -- the tape --------------------------------------------------------------------------------------------------------


def test_tapes() -> None:
    x, y = tf.Variable(3.0), tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        z = x * x + (y * y).sum()
    dx, rest = tape.gradient(z, [x, {"y": y, "c": tf.Variable(1.0)}])
    assert float(dx) == 6 and rest["c"] is None
    np.testing.assert_array_equal(rest["y"].numpy(), [2, 4])
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(z, x)
    with tf.GradientTape() as outer, tf.GradientTape() as inner:
        z = x**3
        slope = inner.gradient(z, x)
    assert float(outer.gradient(slope, x)) == 18
    with tf.GradientTape(persistent=True) as tape:
        z, w = x * x, x * 5
    assert [float(tape.gradient(value, x)) for value in (z, w, z)] == [6, 5, 6]
    c = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(c)
        z = (c * c).sum()
    np.testing.assert_array_equal(tape.gradient(z, c).numpy(), [2, 4])
    x.assign(7.0).assign_add(1.0).assign_sub(2.0)
    assert float(x) == 6


def test_imports_as_the_chapter_writes_them() -> None:
    program = "import minidl.tf as tf\nfrom minidl.tf.keras import layers, losses, optimizers, models\n"
    program += "assert tf.keras.layers is layers and models.Sequential is tf.keras.Sequential\n"
    program += "import minidl\nassert not hasattr(minidl, 'GradientTape')"
    environment = {**os.environ, "PYTHONPATH": str(Path(minidl.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


# -- layers and weights ----------------------------------------------------------------------------------------------


def test_training_is_that_of_the_call_around() -> None:
    model = keras.Sequential([layers.Dropout(0.5), layers.BatchNormalization()])
    x = np.ones((64, 8), np.float32)
    np.testing.assert_allclose(model(x).numpy(), 1 / np.sqrt(1.001), rtol=1e-5)
    assert (model(x, training=True).numpy() < 0).any() and model.layers[1].moving_mean.numpy().any()
    model.trainable = False
    before = model.get_weights()
    model(x, training=True)
    np.testing.assert_array_equal(before[2], model.get_weights()[2])
    assert not model.trainable_weights and len(model.non_trainable_weights) == 4


def test_frozen_layers_do_not_learn() -> None:
    x, y = images(64)
    net = built(Net())
    net.fc1.trainable = False
    before = net.get_weights()
    net.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
    net.fit(x, y, verbose=0)
    after = net.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[2] != after[2]).any() and len(net.trainable_variables) == 2


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "lecun_uniform", "orthogonal", "truncated_normal"])
def test_initial_values_have_their_spread(name: str) -> None:
    keras.utils.set_random_seed(1)
    values = keras.initializers.get(name)((300, 200)).numpy()
    spread = {"glorot_uniform": np.sqrt(2 / 500), "he_normal": np.sqrt(2 / 300), "lecun_uniform": np.sqrt(1 / 300),
              "orthogonal": np.sqrt(1 / 300), "truncated_normal": 0.05 * 0.87962566}[name]  # fmt: skip
    assert abs(values.std() / spread - 1) < 0.02 and abs(values.mean()) < 0.01
    if name == "orthogonal":
        np.testing.assert_allclose(values.T @ values, np.eye(200), atol=1e-5)


def test_names_and_shapes() -> None:
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(8, 3), layers.Conv2D(8, 3), layers.Flatten()])
    assert [layer.name for layer in model.layers] == ["conv2d", "conv2d_1", "flatten"]
    assert model.output_shape == (None, 4608) and [w.shape for w in model.weights] == [
        (3, 3, 1, 8), (8,), (3, 3, 8, 8), (8,)]  # fmt: skip
    assert layers.LSTM(5)(keras.Input((None, 3))).shape == (None, 5)
    assert layers.LSTM(5, return_sequences=True)(keras.Input((None, 3))).shape == (None, None, 5)
    assert [w.shape for w in layered(layers.GRU(5), (4, 3)).weights] == [(3, 15), (5, 15), (2, 15)]
    assert layers.Dense(3).compute_output_shape((None, 7, 2)) == (None, 7, 3)
    lstm = layered(layers.LSTM(2), (4, 3))
    np.testing.assert_array_equal(lstm.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])


def layered(layer: Any, shape: tuple[int, ...]) -> Any:
    layer(keras.Input(shape))
    return layer


def test_states_go_in_and_out() -> None:
    x = keras_programs.numbers(2, 6, 3)
    layer = layers.LSTM(4, return_sequences=True, return_state=True)
    whole, h, c = layer(x)
    first, *states = layer(x[:, :4])
    second, h2, c2 = layer(x[:, 4:], initial_state=states)
    np.testing.assert_allclose(np.concatenate([first.numpy(), second.numpy()], 1), whole.numpy(), atol=1e-6)
    np.testing.assert_allclose(h2.numpy(), h.numpy(), atol=1e-6)
    np.testing.assert_allclose(c2.numpy(), c.numpy(), atol=1e-6)


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    keras.utils.clear_session()
    keras.Sequential([keras.Input((784,)), layers.Dense(128), layers.BatchNormalization()], name="clothes").summary()
    out = capsys.readouterr().out
    for part in (
        'Model: "clothes"', "│ dense (Dense) ", "│ (None, 128) ", " 100,480 │", " Total params: 100,992 (394.50 KB)",
                 " Non-trainable params: 256 (1.00 KB)"):  # fmt: skip
        assert part in out, part


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["same", "functional", "LSTM", "GRU before", "ave", "adamw"])
def test_a_saved_model_goes_on_as_it_was(name: str, tmp_path: Path) -> None:
    model, x, y, options = keras_programs.PROGRAMS[name](keras)
    model.compile(**options)
    model.fit(x, y, verbose=0, shuffle=False)
    model.save(tmp_path / "model")
    again = keras.models.load_model(tmp_path / "model")
    np.testing.assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    model.fit(x, y, verbose=0, shuffle=False)
    again.fit(x, y, verbose=0, shuffle=False)
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_files_of_a_subclass(tmp_path: Path) -> None:
    x, _ = images(4)
    net = built(Net())
    net.save(tmp_path / "net")
    with pytest.raises(ValueError, match=r"custom_objects=\{'Net': Net\}"):
        keras.models.load_model(tmp_path / "net")
    again = keras.models.load_model(tmp_path / "net", custom_objects={"Net": Net})
    np.testing.assert_array_equal(net(x).numpy(), again(x).numpy())
    net.save_weights(tmp_path / "weights")
    other = built(Net())
    other.load_weights(tmp_path / "weights")
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())
    with pytest.raises(ValueError, match="exists already"):
        net.save(tmp_path / "net", overwrite=False)
    with pytest.raises(ValueError, match=r"array 0 has shape \(784, 128\), expected \(3, 2\)"):
        keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Dense(1)]).load_weights(tmp_path / "weights")
    minidl.save({"a": minidl.ones(1)}, tmp_path / "other")
    with pytest.raises(RuntimeError, match="expected a file of model.save"):
        keras.models.load_model(tmp_path / "other")


# -- callbacks and other ways of training ----------------------------------------------------------------------------


def small() -> tuple[Any, Any, Any]:
    model, x, y, _ = keras_programs.dense(keras, "sgd")
    model.compile(optimizers.SGD(0.05), "mse")
    return model, x, y


def test_early_stopping_gives_the_best_weights_back() -> None:
    model, x, y = small()
    kept: list[Any] = []
    stop = callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    note = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    worse = callbacks.LearningRateScheduler(lambda epoch: 0.05 if epoch < 3 else 1.5)
    history = model.fit(x, y, epochs=50, verbose=0, validation_split=0.25, callbacks=[note, stop, worse])
    figures = history.history["val_loss"]
    best = int(np.argmin(figures))
    assert len(figures) == best + 3 == stop.stopped_epoch + 1
    for ours, theirs in zip(model.get_weights(), kept[best], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert history.history["learning_rate"][0] == 0.05


def test_the_rate_falls_on_a_plateau() -> None:
    model, x, y = small()
    plateau = callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=10.0, min_lr=0.01)
    history = model.fit(x, y, epochs=6, verbose=0, callbacks=plateau)
    assert history.history["learning_rate"] == [0.05, 0.05, 0.025, 0.0125, 0.01, 0.01]


def test_checkpoints(tmp_path: Path) -> None:
    model, x, y = small()
    each = callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{loss:.2f}")
    best = callbacks.ModelCheckpoint(tmp_path / "best", monitor="loss", save_best_only=True, save_weights_only=True)
    history = model.fit(x, y, epochs=2, verbose=0, callbacks=[each, best])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert (
        names == ["best", *sorted(f"{k + 1:02d}-{v:.2f}" for k, v in enumerate(history.history["loss"]))]
        or len(names) == 3
    )
    with pytest.warns(UserWarning, match="there is no figure 'val_loss'"):
        model.fit(x, y, verbose=0, callbacks=[callbacks.EarlyStopping()])


def test_batches_of_a_loader_and_of_a_generator() -> None:
    model, x, y = small()
    set_a = minidl.data.TensorDataset(minidl.tensor(x), minidl.tensor(y))
    start = model.get_weights()
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    expected = model.get_weights()

    def endless() -> Any:
        while True:
            for k in range(0, 40, 8):
                yield x[k : k + 8], y[k : k + 8]

    for source, steps in ((minidl.data.DataLoader(set_a, batch_size=8), None), (endless(), 5)):
        model.set_weights(start)
        model.fit(source, steps_per_epoch=steps, verbose=0)
        for ours, theirs in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="y must be left out"):
        model.fit(endless(), y, steps_per_epoch=1)


def test_weights_of_samples_and_classes() -> None:
    x, y = images(64)
    net = built(Net())
    net.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    start = net.get_weights()
    net.fit(x, y, verbose=0, shuffle=False, class_weight={0: 3.0, 1: 0.5})
    by_class = net.get_weights()
    net.set_weights(start)
    net.fit(x, y, verbose=0, shuffle=False, sample_weight=np.where(y == 0, 3.0, np.where(y == 1, 0.5, 1.0)))
    for ours, theirs in zip(net.get_weights(), by_class, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-7)


def test_one_batch_at_a_time() -> None:
    model, x, y = small()
    before = model.test_on_batch(x, y)
    after = [model.train_on_batch(x, y) for _ in range(3)]
    assert after[0] == pytest.approx(before) and after[2] < after[0]
    assert model.train_on_batch(x, y, return_dict=True).keys() == {"loss"}
    assert model.predict_on_batch(x).shape == (40, 3)


def test_one_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    model, x, y = small()
    model.fit(x, y, epochs=1, verbose=2)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "Epoch 1/1" and out[1].startswith("2/2 - 0s - ") and " - loss: " in out[1]


@pytest.mark.parametrize("kind", [metrics.Precision, metrics.Recall, metrics.BinaryAccuracy])
def test_metrics_add_up_over_batches(kind: Any) -> None:
    rng = np.random.default_rng(3)
    y, p = rng.integers(0, 2, (50, 1)), rng.random((50, 1))
    whole, parts = kind(), kind()
    whole.update_state(y, p)
    for k in range(0, 50, 7):
        parts.update_state(y[k : k + 7], p[k : k + 7])
    assert parts.result() == pytest.approx(whole.result())
    parts.reset_state()
    assert parts.result() == 0


def test_a_config_is_json() -> None:
    model = keras_programs.PROGRAMS["functional"](keras)[0]
    config = json.loads(json.dumps(model.get_config()))
    again = keras.Model.from_config(config)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert again.count_params() == model.count_params()


def test_a_list_of_layers_is_a_part_of_the_model() -> None:
    class Deep(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [layers.Dense(4) for _ in range(3)]

        def call(self, x: Any) -> Any:
            for block in self.blocks:
                x = block(x)
            return x

    model = Deep()
    model(np.ones((1, 4)))
    assert len(model.layers) == 3 and len(model.weights) == 6
