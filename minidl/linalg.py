"""Linear algebra under PyTorch's name, minidl.linalg; the functions are in functions/linalg.py."""

from .functions.linalg import *  # noqa: F403
from .functions.linalg import __all__ as __all__
