"""Reads the arguments and runs what they name."""

from __future__ import annotations

import argparse
from pathlib import Path

from minidl.data import FashionMNIST

from . import costs, fashion, learning, measure, scalars, training, workloads

BENCHMARKS = {
    "scalars": lambda options: measure.comparison("Calls on few numbers", scalars.ROWS, options.rounds),
    "workloads": lambda options: measure.comparison("Workloads", workloads.ROWS, options.rounds),
    "threads": lambda options: measure.threads(workloads.ROWS, options.rounds),
    "kernels": lambda options: measure.twins(workloads.KERNELS, options.rounds),
    "import": lambda options: costs.run_import(options.rounds),
    "memory": lambda options: costs.run_memory(options.rounds),
    "fashion": lambda options: fashion.run(options.folder, options.epochs, options.batch_size, options.double),
    "learning": lambda options: learning.run(options.folder),
    "training": lambda options: training.run(options.rounds),
}
WITHOUT_DATA = ["scalars", "workloads", "kernels", "import", "memory", "training"]


def main() -> None:
    """Run the benchmarks that are named."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure minidl, and PyTorch in turn with it where it is installed, with as many threads each.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    option = parser.add_argument
    option("names", nargs="*", default=WITHOUT_DATA, metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    option("--rounds", type=int, default=15, help="turns of which the median is taken")
    option("--threads", type=int, default=1, help="of each library, in scalars and workloads")
    option(
        "--rows",
        default="",
        metavar="TEXT",
        help="of workloads, threads and kernels, only rows whose name contains this",
    )
    option("--folder", type=Path, default=FashionMNIST.debian_folder, help="where the whole of Fashion-MNIST is")
    option("--epochs", type=int, default=3, help="of fashion")
    option("--batch-size", type=int, default=64, help="of fashion")
    option("--double", action="store_true", help="fashion in float64")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}, only {', '.join(BENCHMARKS)}")

    for rows in (workloads.ROWS, workloads.KERNELS):
        for name in [name for name in rows if options.rows not in name]:
            del rows[name]
    measure.set_threads(options.threads)
    print(measure.machine(options.threads))
    for name in options.names:
        BENCHMARKS[name](options)


main()
