"""What the whole suite shares."""

import os
import signal

import pytest
from hypothesis import settings

# The suite's products are small, and several workers may run side by side: more threads of BLAS only get in the way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A suite started in the background of a script ignores Ctrl-C, and so would the programs that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair.
settings.register_profile("minidl", deadline=None)
settings.load_profile("minidl")

collect_ignore = ["against_torch.py"]  # a script, which needs PyTorch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask first whether the compiled kernels are loaded: without them every other test would test something else."""
    items.sort(key=lambda item: item.path.name != "test_compiled.py")
