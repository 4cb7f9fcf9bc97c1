"""The command `minidl`: reads the arguments, runs a command and turns errors into one line.

Results go to standard output, progress and errors to standard error. The exit code is 0 after success, 2 after a user's
slip (with one line that says what was wrong), 130 after Ctrl-C and 141 when the reader of a pipe went away.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import minidl

from . import demo, runs
from .errors import MinidlError

Number = TypeVar("Number", int, float)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what was wrong and where the options are listed."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; `arguments` are those of the process by default."""
    parser = Parser(prog="minidl", description="The deep-learning framework you can read.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"minidl {minidl.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_demo(commands)
    add_runs(commands)
    add_deployment(commands)

    options = parser.parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        return 141
    except (MinidlError, OSError) as error:
        print(f"minidl: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nminidl: interrupted" if sys.stderr.isatty() else "minidl: interrupted", file=sys.stderr)
        return 130
    return 0


def add_demo(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `minidl demo`."""
    parser = commands.add_parser(
        "demo",
        help="a network learns to tell clothes apart, in five steps",
        description="The five steps of deep learning on real images: data processing, model definition, training, "
        "evaluation, deployment. The program is minidl/demo.py.",
        allow_abbrev=False,
    )
    option = parser.add_argument
    option("--data", choices=demo.DATA, default="fashion", help="the images to learn from; mnist needs --folder")
    option("--folder", type=Path, help="read the whole data set from idx files in this folder")
    option("--download", action="store_true", help="fetch the files that the folder lacks")
    option("--model", choices=demo.MODELS, default="mlp", help="two layers, convolutions, or rows one by one")
    option("--compare", choices=demo.MODELS, nargs="*", help="train these models too, or all, and compare them")
    option("--epochs", type=count, default=10, help="how often to go through the images (10)")
    option("--batch-size", type=count, default=16, help="images in a step (16)")
    option("--optimizer", choices=demo.OPTIMIZERS, default="sgd", help="the rule that changes the weights (sgd)")
    option("--lr", type=positive, default=0.01, help="learning rate, how far a step goes (0.01)")
    option("--seed", type=seed, default=0, help="decides the first weights and the order of the images (0)")
    option("--output", type=Path, default=Path("minidl-demo"), help="folder for what is written (minidl-demo)")
    option("--capture", action="store_true", help="write step.html: one training step, number by number")

    def run(options: argparse.Namespace) -> None:
        if options.folder is None and (options.data == "mnist" or options.download):
            parser.error(f"{'--download' if options.download else '--data mnist'} needs --folder")
        if options.folder is not None and options.data == "digits":
            parser.error("--data digits comes with minidl and takes no --folder")
        demo.run(options)

    parser.set_defaults(run=run)


def add_runs(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `minidl train`, `evaluate`, `predict` and `info`."""

    def command(name: str, help: str, act: Callable[[argparse.Namespace], Any]) -> Parser:
        parser = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        parser.add_argument("--json", action="store_true", help="print the results as JSON")
        parser.set_defaults(run=lambda options: report(act(options), options.json))
        return parser

    option = command("train", "train what options or a configuration say, into a folder", trained).add_argument
    option("--config", type=Path, help="a TOML file; options beside it count more")
    option("--data", choices=runs.BUNDLED, help="the images to learn from (FashionMNIST)")
    option("--folder", help="read the whole data set from idx files in this folder")
    option("--path", help="learn from a CSV file, a folder with a folder of images for each class, or a text file")
    option("--kind", choices=runs.KINDS, help="what is at the path, csv, images or text; by default as it looks")
    option("--target", help="the column of a CSV file to predict (the last one)")
    option("--columns", nargs="+", help="the columns of a CSV file to predict it from (all others)")
    option("--test", type=share_or_path, help="which share of the data, or which path, the run is measured on (0.2)")
    option("--size", type=count, help="images of a folder are brought to so many pixels each way (28)")
    option("--length", type=count, help="texts are brought to so many words (100)")
    option("--vocabulary", type=count, help="how many of the most frequent words are known (20000)")
    option("--model", help="mlp; for images also cnn, rnn, lstm, transformer, for CSV linear, for text lstm (mlp)")
    option("--optimizer", nargs="+", metavar=("NAME", "OPTION=VALUE"), help="of minidl.optim, such as SGD lr=0.1")
    option("--schedule", nargs="+", metavar=("NAME", "OPTION=VALUE"), help="such as StepLR step_size=3")
    option("--epochs", type=count, help="how often to go through the images (10)")
    option("--batch-size", type=count, help="images in a step (16)")
    option("--seed", type=seed, help="decides the first weights and the order of the images (0)")
    option("--output", type=Path, default=Path("minidl-run"), help="the run's folder (minidl-run)")
    option("--resume", type=Path, metavar="FOLDER", help="go on with the run in this folder")

    option = command("evaluate", "measure a run's network on the test data", evaluated).add_argument
    option("folder", type=Path, help="the run's folder")
    option = command("predict", "say what images, rows of a table or lines of text are", predicted).add_argument
    option("folder", type=Path, metavar="model", help="the run's folder, or an .onnx file")
    option("files", type=Path, nargs="+", help="image, CSV or text files; .npy files for an .onnx file")
    option = command("info", "list what a run's folder or a safetensors file holds", described).add_argument
    option("path", type=Path, help="a run's folder, a safetensors or an .onnx file")


def add_deployment(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `minidl export` and `minidl serve`."""
    text = "write a trained network as an ONNX file, with its normalisation"
    parser = commands.add_parser("export", help=text, description=text, allow_abbrev=False)
    parser.add_argument("path", type=Path, help="a run's folder, or the weights that the demo has saved")
    parser.add_argument("output", type=Path, nargs="?", default=Path("model.onnx"), help="the file (model.onnx)")
    parser.set_defaults(run=exported)

    text = "answer requests over HTTP in the Open Inference Protocol, with a page at /"
    parser = commands.add_parser("serve", help=text, description=text, allow_abbrev=False)
    option = parser.add_argument
    option("models", nargs="+", metavar="MODEL", help="a run's folder, the demo's weights or an .onnx file; NAME=PATH")
    option("--host", default="127.0.0.1", help="the address to listen at (127.0.0.1: this machine alone)")
    option("--port", type=port, default=8000, help="the port to listen at, 0 for a free one (8000)")
    option("--token", default=os.environ.get("MINIDL_TOKEN"), help="clients have to send it; or set MINIDL_TOKEN")
    option("--max-body", type=count, default=64 * 2**20, help="bytes of a request (64 MB)")
    option("--max-batch", type=count, default=64, help="samples that are computed together (64)")
    option("--max-delay", type=positive, default=2.0, help="milliseconds that a request waits for others (2)")
    option("--max-queue", type=count, default=256, help="requests that wait for one model (256)")
    option("--header-timeout", type=positive, default=10.0, help="seconds until a request's head is there (10)")
    option("--body-timeout", type=positive, default=30.0, help="seconds until a request's body is there (30)")
    parser.set_defaults(run=served)


def exported(options: argparse.Namespace) -> None:
    """Run `minidl export`."""
    from . import onnx

    deployed = runs.deployed(options.path)
    told = {"classes": deployed.classes, "features": deployed.features}
    onnx.export(
        deployed.network, (deployed.example,), options.output, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
        metadata={name: list(words) for name, words in told.items() if words},
    )  # fmt: skip
    print(options.output)


def served(options: argparse.Namespace) -> None:
    """Run `minidl serve`."""
    from . import serve

    limits = serve.Limits(
        body=options.max_body, bodies=max(4 * options.max_body, 256 * 2**20), batch=options.max_batch,
        delay=options.max_delay / 1000, queue=options.max_queue, header_seconds=options.header_timeout,
        body_seconds=options.body_timeout,
    )  # fmt: skip
    serve.serve(serve.open_models(options.models), options.host, options.port, options.token, limits)


def trained(options: argparse.Namespace) -> Any:
    """Run `minidl train`."""
    folder = options.resume or options.output
    source = options.config or (folder / "config.toml" if options.resume else None)
    if options.resume:
        runs.checkpoint(folder)
    config: dict[str, Any] = runs.read_config(source) if source else {}
    given = {
        "data": {
            "name": options.data, "folder": options.folder, "path": options.path, "kind": options.kind,
            "target": options.target, "columns": options.columns, "test": options.test, "size": options.size,
            "length": options.length, "vocabulary": options.vocabulary, "batch_size": options.batch_size,
        },
        "model": {"name": options.model},
        "training": {"epochs": options.epochs, "seed": options.seed},
    }  # fmt: skip
    for table, values in given.items():
        config.setdefault(table, {}).update({key: value for key, value in values.items() if value is not None})
    for table in ("optimizer", "schedule"):
        if words := getattr(options, table):
            config[table] = {"name": words[0], **dict(map(runs.option, words[1:]))}
    with redirect_stdout(sys.stderr):  # the progress
        history = runs.train(runs.completed(config), folder, resume=options.resume is not None)
    return {"folder": str(folder), **(history.rows[-1] if history.rows else {})}


def evaluated(options: argparse.Namespace) -> Any:
    """Run `minidl evaluate`."""
    return runs.evaluated(options.folder)


def predicted(options: argparse.Namespace) -> Any:
    """Run `minidl predict`."""
    return runs.predicted(options.folder, options.files)


def described(options: argparse.Namespace) -> Any:
    """Run `minidl info`."""
    return runs.described(options.path)


def report(answer: Any, as_json: bool) -> None:
    """Print what a command has found, as JSON or as lines."""
    if as_json:
        print(json.dumps(answer, indent=1))
        return
    for row in answer if isinstance(answer, list) else [answer]:
        for name, value in row.items():
            if isinstance(value, dict):
                print(f"{name}")
                for key, inner in value.items():
                    print(f"   {key}: {inner}")
            else:
                print(f"{name}: {value:.4f}" if isinstance(value, float) else f"{name}: {value}")


def count(text: str) -> int:
    """Read a whole number from 1 up."""
    return checked(text, int, lambda number: number >= 1, "a whole number from 1 up")


def port(text: str) -> int:
    """Read the number of a port."""
    return checked(text, int, lambda number: 0 <= number < 2**16, "a whole number from 0 to 65535")


def seed(text: str) -> int:
    """Read what minidl.manual_seed takes."""
    return checked(text, int, lambda number: 0 <= number < 2**64, "a whole number from 0 to 2**64 - 1")


def share_or_path(text: str) -> float | str:
    """Read a share, or the path of a file or folder."""
    try:
        return float(text)
    except ValueError:
        return text


def positive(text: str) -> float:
    """Read a finite number above 0."""
    return checked(text, float, lambda number: 0 < number < math.inf, "a number above 0")


def checked(text: str, read: Callable[[str], Number], good: Callable[[Number], bool], expected: str) -> Number:
    """Read a number, or say what was expected."""
    try:
        number = read(text)
    except ValueError:
        number = None
    if number is None or not good(number):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return number
