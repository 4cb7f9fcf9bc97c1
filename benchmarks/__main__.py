"""Reads the arguments and runs what they name."""

from __future__ import annotations

import argparse
from pathlib import Path

from minidl.data import FashionMNIST

from . import costs, fashion, learning, measure, scalars, training

NAMES = ("scalars", "training", "import", "memory", "fashion", "learning")


def main() -> None:
    """Run the benchmarks that are named."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure minidl, and PyTorch in turn with it where it is installed; one thread for both.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    option = parser.add_argument
    option("names", nargs="*", default=list(NAMES), metavar="NAME", help="what to measure")
    option("--rounds", type=int, default=15, help="turns of which the median is taken")
    option("--folder", type=Path, default=FashionMNIST.debian_folder, help="where the whole of Fashion-MNIST is")
    option("--epochs", type=int, default=3, help="of fashion")
    option("--batch-size", type=int, default=64, help="of fashion")
    options = parser.parse_args()
    for name in options.names:
        if name not in NAMES:
            parser.error(f"there is no benchmark {name!r}, only {', '.join(NAMES)}")

    print(measure.machine())
    for name in options.names:
        if name == "scalars":
            measure.comparison("Calls on few numbers", scalars.ROWS, options.rounds)
        elif name == "training":
            measure.comparison("Training steps", training.ROWS, options.rounds)
        elif name == "import":
            costs.run_import(options.rounds)
        elif name == "memory":
            costs.run_memory(options.rounds)
        elif name == "learning":
            learning.run(options.folder)
        else:
            fashion.run(options.folder, options.epochs, options.batch_size)


main()
