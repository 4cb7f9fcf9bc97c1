"""Runs: `minidl train` trains what a configuration says, into a folder that `evaluate`, `predict` and `info` read.

A run's folder holds config.toml, checkpoint.safetensors (written after each epoch), history.json and, with matplotlib,
history.png. The words of a configuration are those of the Python API:

    [data]                     [optimizer]          [training]
    name = "FashionMNIST"      name = "SGD"         epochs = 10
    batch_size = 16            lr = 0.01            seed = 0

    [model]                    [schedule]
    name = "mlp"               name = "StepLR"
                               step_size = 3
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from . import demo, metrics, nn, optim
from .data import MNIST, DataLoader, Digits, FashionMNIST, random_split, transforms
from .data.images import ImageDataset
from .errors import ArgumentError, StateError
from .files import atomic_file
from .training import History, Training, evaluate, fit

DATA: dict[str, Any] = {"FashionMNIST": FashionMNIST, "Digits": Digits, "MNIST": MNIST}
CRITERION = nn.CrossEntropyLoss()

# What each table of a configuration may hold, and what holds where it is silent.
DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {"name": "FashionMNIST", "folder": "", "batch_size": 16, "validation": 0.1},
    "model": {"name": "mlp"},
    "optimizer": {"name": "SGD", "lr": 0.01},
    "schedule": {"name": ""},
    "training": {"epochs": 10, "seed": 0, "accumulate": 1, "clip_norm": 0.0},
}
OPEN = ("optimizer", "schedule")  # these hand all other options on

Config = dict[str, dict[str, Any]]


# -- configurations --------------------------------------------------------------------------------------------------


def optimizers() -> dict[str, Any]:
    """Return the optimizers by name."""
    return {name: getattr(optim, name) for name in optim.__all__ if is_a(getattr(optim, name), optim.Optimizer)}


def schedules() -> dict[str, Any]:
    """Return the schedules by name that a configuration can make."""
    made_of_others = ("SequentialLR", "ChainedScheduler", "LRScheduler", "LambdaLR", "MultiplicativeLR")
    module = optim.lr_scheduler
    return {name: getattr(module, name) for name in module.__all__ if name not in made_of_others}


def is_a(value: Any, kind: type) -> bool:
    """Return whether it is a class under another."""
    return isinstance(value, type) and issubclass(value, kind) and value is not kind


def known(word: str, words: Sequence[str], where: str) -> str:
    """Return a word that is known, or say which one was meant."""
    if word in words:
        return word
    near = get_close_matches(str(word), list(words), n=1, cutoff=0.4)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise ArgumentError(f"{where}: got {word!r}, expected one of {', '.join(words)}{meant}")


def completed(config: Mapping[str, Any]) -> Config:
    """Return a configuration with its defaults, every word of it checked."""
    full = {table: dict(values) for table, values in DEFAULTS.items()}
    for table, values in config.items():
        known(table, list(DEFAULTS), "config")
        if not isinstance(values, Mapping):
            raise ArgumentError(f"config: {table} is {values!r}, expected a table [{table}]")
        if table == "optimizer" and values.get("name", "SGD") != "SGD":
            full[table].pop("lr")  # each optimizer has a default of its own
        for key, value in values.items():
            if table not in OPEN:
                known(key, list(DEFAULTS[table]), f"config: [{table}]")
            full[table][key] = value
    known(full["data"]["name"], list(DATA), "config: [data] name")
    known(full["model"]["name"], list(demo.MODELS), "config: [model] name")
    known(full["optimizer"]["name"], list(optimizers()), "config: [optimizer] name")
    if full["schedule"]["name"]:
        known(full["schedule"]["name"], list(schedules()), "config: [schedule] name")
    for table, key in (("data", "batch_size"), ("training", "epochs"), ("training", "accumulate")):
        if type(full[table][key]) is not int or full[table][key] < 1:
            raise ArgumentError(f"config: [{table}] {key}: got {full[table][key]!r}, expected an int of at least 1")
    share = full["data"]["validation"]
    if not isinstance(share, (int, float)) or not 0 < share < 1:
        raise ArgumentError(f"config: [data] validation: got {share!r}, expected a share between 0 and 1")
    return full


def read_config(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{path}: not a TOML file: {error}") from error


def as_toml(config: Config) -> str:
    """Return a configuration as TOML."""
    tables = []
    for table, values in config.items():
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]  # JSON's numbers and texts are TOML's
        tables.append("\n".join([f"[{table}]", *lines]))
    return "\n\n".join(tables) + "\n"


def option(text: str) -> tuple[str, Any]:
    """Read `name=value` from a command line; what is no number, list or true/false is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ArgumentError(f"got {text!r}, expected name=value, such as lr=0.1")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


# -- what a configuration makes --------------------------------------------------------------------------------------


def data_of(config: Config, train: bool) -> ImageDataset:
    """Return the training set or the test set, normalised by the figures of the training set."""
    kind, folder = DATA[config["data"]["name"]], config["data"]["folder"]
    brightest = 16 if kind is Digits else 255
    steps = [transforms.ToTensor(brightest), transforms.Normalize(kind.mean, kind.std)]
    source = {"root": folder} if folder else {}
    data: ImageDataset = kind(train=train, transform=transforms.Compose(steps), **source)
    return data


def model_of(config: Config, data: ImageDataset) -> nn.Module:
    """Return the network, with its first weights."""
    model: nn.Module = demo.MODELS[config["model"]["name"]](data.data.shape[-1], len(data.classes))
    return model


def made(kinds: Mapping[str, Any], table: Mapping[str, Any], first: Any, where: str) -> Any:
    """Return the optimizer or schedule that a table names, with its options."""
    name = table["name"]
    options = {key: value for key, value in table.items() if key != "name"}
    try:
        return kinds[name](first, **options)
    except TypeError as error:
        raise ArgumentError(f"config: [{where}] {name}: {error}") from error


# -- the commands ----------------------------------------------------------------------------------------------------


def train(config: Config, folder: Path, resume: bool = False) -> History:
    """Train what a configuration says, into a folder; the figures are of a part of the training set held back.

    `resume` goes on from the last whole epoch, to the bit.
    """
    if not resume and (folder / "checkpoint.safetensors").exists():
        raise StateError(f"{folder} holds a run already; go on with --resume {folder}, or give another --output")
    training = config["training"]
    minidl.manual_seed(training["seed"])
    data, share = data_of(config, train=True), config["data"]["validation"]
    parts = random_split(data, [1 - share, share], generator=minidl.Generator().manual_seed(training["seed"]))
    model = model_of(config, data)
    optimizer = made(optimizers(), config["optimizer"], model.parameters(), "optimizer")
    schedule = made(schedules(), config["schedule"], optimizer, "schedule") if config["schedule"]["name"] else None
    history = History()
    if resume:
        state = checkpoint(folder)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if schedule is not None:
            schedule.load_state_dict(state["schedule"])
        minidl.set_rng_state(state["random"])
        history.rows = [dict(row) for row in state["history"]]
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "config.toml", as_toml(config))

    def keep(run: Training) -> None:
        state = {
            "model": model.state_dict(), "optimizer": optimizer.state_dict(), "random": minidl.get_rng_state(),
            "schedule": None if schedule is None else schedule.state_dict(), "history": run.history.rows,
        }  # fmt: skip
        minidl.save(state, folder / "checkpoint.safetensors")
        write(folder / "history.json", json.dumps(run.history.rows, indent=1))

    fit(
        model, DataLoader(parts[0], batch_size=config["data"]["batch_size"], shuffle=True), CRITERION, optimizer,
        epochs=training["epochs"], validation=DataLoader(parts[1], batch_size=500),
        metrics={"accuracy": metrics.accuracy}, scheduler=schedule, accumulate=training["accumulate"],
        clip_norm=training["clip_norm"] or None, callbacks=[keep], history=history,
    )  # fmt: skip
    with suppress(ArgumentError):  # without matplotlib there is no picture
        history.plot(folder / "history.png")
    return history


def write(path: Path, text: str) -> None:
    """Write a text file as a whole."""
    with atomic_file(path) as file:
        file.write(text.encode())


def checkpoint(folder: Path) -> dict[str, Any]:
    """Return what a run has saved last."""
    path = folder / "checkpoint.safetensors"
    if not path.exists():
        raise StateError(f"{folder} holds no run: there is no checkpoint.safetensors; train one with minidl train")
    state = minidl.load(path)
    if not isinstance(state, dict) or not {"model", "optimizer", "random", "history"} <= set(state):
        raise StateError(f"{path}: expected the checkpoint of a run, found {', '.join(list(state)[:5])}")
    return state


def restored(folder: Path) -> tuple[Config, nn.Module, ImageDataset]:
    """Return a run's configuration, its trained model and its test set."""
    state = checkpoint(folder)
    config = completed(read_config(folder / "config.toml"))
    test_set = data_of(config, train=False)
    model = model_of(config, test_set)
    model.load_state_dict(state["model"])
    model.eval()
    return config, model, test_set


def evaluated(folder: Path) -> dict[str, float]:
    """Return loss, accuracy, precision, recall and F1 of a run's model on its test set."""
    _, model, test_set = restored(folder)
    measured = {name: getattr(metrics, name) for name in ("accuracy", "precision", "recall", "f1")}
    return evaluate(model, DataLoader(test_set, batch_size=500), CRITERION, measured)


def predicted(folder: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return class and probability of each image file; they are brought to the size of the training images."""
    _, model, test_set = restored(folder)
    answers = []
    for file in files:
        pixels = picture(file, test_set.data.shape[-1])
        x = (minidl.tensor(pixels) / 255 - test_set.mean) / test_set.std
        with minidl.no_grad():
            probabilities = nn.functional.softmax(model(x[None, None]), dim=1)[0]
        best = int(probabilities.argmax())
        answer = {"file": str(file), "class": test_set.classes[best], "probability": float(probabilities[best])}
        answers.append(answer)
    return answers


def picture(file: Path, size: int) -> np.ndarray[Any, Any]:
    """Return an image file as (size, size) grey values from 0 to 255."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ArgumentError('predict: Pillow is not installed; pip install "minidl[images]" brings it') from error
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("L").resize((size, size)), np.float32)
    except UnidentifiedImageError as error:
        raise ArgumentError(f"{file}: not an image that Pillow can read") from error


def described(path: Path) -> dict[str, Any]:
    """Return what a run's folder, or a safetensors file, holds."""
    if path.is_dir():
        state = checkpoint(path)
        weights = state["model"]
        answer = {"config": read_config(path / "config.toml"), "epochs": len(state["history"])}
        answer["last"] = state["history"][-1] if state["history"] else {}
    else:
        weights, answer = minidl.safetensors.load_file(path), {}
    tensors = {name: f"{x.dtype} {tuple(x.shape)}" for name, x in weights.items()}
    return {**answer, "parameters": sum(x.numel() for x in weights.values()), "tensors": tensors}
