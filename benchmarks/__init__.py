"""Measurements that anyone can run: `python -m benchmarks --help`. README.md holds the last figures."""

import os

# One thread for every library. They read this when they are imported, so it stands before every other import.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
