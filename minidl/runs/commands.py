"""The commands: train into a run's folder, and evaluate, predict and describe what is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import minidl

from .. import demo, nn
from ..data import DataLoader
from ..errors import ArgumentError, StateError
from ..files import atomic_file
from ..training import History, Training, evaluate, fit
from .config import Config, as_toml, completed, made, optimizers, read_config, schedules
from .exported import predicted_by_file
from .images import BUNDLED, bundled
from .kinds import source
from .source import Deployed, Source


def train(config: Config, folder: Path, resume: bool = False) -> History:
    """Train what a configuration says, into a folder; the figures are of a part of the training set held back.

    `resume` goes on from the last whole epoch, to the bit.
    """
    if not resume and (folder / "checkpoint.safetensors").exists():
        raise StateError(f"{folder} holds a run already; go on with --resume {folder}, or give another --output")
    training = config["training"]
    minidl.manual_seed(training["seed"])
    state = checkpoint(folder) if resume else {}
    data = source(config, state.get("data"))
    model = model_of(config, data)
    optimizer = made(optimizers(), config["optimizer"], model.parameters(), "optimizer")
    schedule = made(schedules(), config["schedule"], optimizer, "schedule") if config["schedule"]["name"] else None
    history = History()
    if resume:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if schedule is not None:
            schedule.load_state_dict(state["schedule"])
        minidl.set_rng_state(state["random"])
        history.rows = [dict(row) for row in state["history"]]
    test = config["data"].get("test")
    if isinstance(test, str) and not Path(test).exists():
        raise StateError(f"config: [data] test: there is no file or folder {test}")
    parts = data.part("train"), data.part("validation")
    name = "accuracy" if "accuracy" in data.metrics else "r2"
    figure = {name: data.metrics[name]}
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "config.toml", as_toml(config))

    def keep(run: Training) -> None:
        state = {
            "model": model.state_dict(), "optimizer": optimizer.state_dict(), "random": minidl.get_rng_state(),
            "schedule": None if schedule is None else schedule.state_dict(), "history": run.history.rows,
            "data": data.learned,
        }  # fmt: skip
        minidl.save(state, folder / "checkpoint.safetensors")
        write(folder / "history.json", json.dumps(run.history.rows, indent=1))

    fit(
        model, DataLoader(parts[0], batch_size=config["data"]["batch_size"], shuffle=True), data.criterion, optimizer,
        epochs=training["epochs"], validation=DataLoader(parts[1], batch_size=500), metrics=figure, scheduler=schedule,
        accumulate=training["accumulate"], clip_norm=training["clip_norm"] or None, callbacks=[keep], history=history,
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


def restored(folder: Path) -> tuple[nn.Module, Source]:
    """Return a run's trained model and its data."""
    state = checkpoint(folder)
    config = completed(read_config(folder / "config.toml"))
    data = source(config, state.get("data"))
    model = model_of(config, data)
    model.load_state_dict(state["model"])
    return model.eval(), data


def model_of(config: Config, data: Source) -> nn.Module:
    """Return the network, with its first weights."""
    return data.models[config["model"]["name"]]()


def deployed(path: Path) -> Deployed:
    """Return the trained network of a run's folder, or of the weights that the demo has saved."""
    if path.is_dir():
        model, data = restored(path)
        return data.deployed(model)
    about = minidl.safetensors.load_metadata(path)
    if about.get("model") not in demo.MODELS or about.get("data") not in demo.DATA:
        raise StateError(f"{path}: the file does not say of which network it is; give a run's folder or demo weights")
    name = next(name for name, kind in BUNDLED.items() if kind is demo.DATA[about["data"]])
    data = bundled({"name": name, "validation": 0.1, "folder": ""}, 0, None)
    model = data.models[about["model"]]()
    model.load_state_dict(minidl.safetensors.load_file(path))
    return data.deployed(model.eval())


def evaluated(folder: Path) -> dict[str, float]:
    """Return loss and metrics of a run's model on its test set."""
    model, data = restored(folder)
    return evaluate(model, DataLoader(data.part("test"), batch_size=500), data.criterion, data.metrics)


def predicted(folder: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what a run's model, or that in an ONNX file, says of each image file, row of a table or line of text."""
    if folder.suffix == ".onnx":
        return predicted_by_file(folder, files)
    model, data = restored(folder)
    answers = []
    for file in files:
        names, inputs = data.read(file)
        with minidl.no_grad():
            outputs = model(inputs)
        answers += [{"file": name, **data.answer(row)} for name, row in zip(names, outputs, strict=True)]
    return answers


def described(path: Path) -> dict[str, Any]:
    """Return what a run's folder, or a safetensors file, holds."""
    if path.is_dir():
        state = checkpoint(path)
        weights = state["model"]
        answer = {"config": read_config(path / "config.toml"), "epochs": len(state["history"])}
        answer["last"] = state["history"][-1] if state["history"] else {}
    elif path.suffix == ".onnx":
        model = minidl.onnx.load(path)
        weights = model.state_dict()
        answer = {"inputs": model.input_names, "outputs": model.output_names, "metadata": model.metadata}
    else:
        weights, answer = minidl.safetensors.load_file(path), {}
    tensors = {name: f"{x.dtype} {tuple(x.shape)}" for name, x in weights.items()}
    return {**answer, "parameters": sum(x.numel() for x in weights.values()), "tensors": tensors}
