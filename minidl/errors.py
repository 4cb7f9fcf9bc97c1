"""The errors that minidl raises: ordinary Python errors that know where in the model they happened.

Each class is also the class that PyTorch raises for the same mistake, so `except RuntimeError` written for PyTorch
catches it here too.
"""

from __future__ import annotations

from typing import Any


class MinidlError(Exception):
    """The base of minidl's errors. A module that an error passes through puts its name in front of the message.

    >>> import minidl
    >>> try:
    ...     minidl.nn.Sequential(minidl.nn.Linear(3, 2))(minidl.zeros(1, 5))
    ... except minidl.errors.ShapeError as error:
    ...     print(str(error).split(":")[0])
    Sequential.0 (Linear)
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.modules: list[Any] = []

    def passed_through(self, module: Any) -> None:
        """Note that the error left `module`; called from the innermost module outwards."""
        self.modules.append(module)

    def where(self) -> str:
        """Return the path of the innermost module, as `Net.encoder.0 (Linear)`, or an empty string."""
        if not self.modules:
            return ""
        outermost, innermost = self.modules[-1], self.modules[0]
        path = [type(outermost).__name__]
        for outer, inner in zip(self.modules[:0:-1], self.modules[-2::-1], strict=True):
            path.append(next((name for name, module in outer.named_modules() if module is inner), type(inner).__name__))
        kind = f" ({type(innermost).__name__})" if len(path) > 1 else ""
        return ".".join(path) + kind

    def __str__(self) -> str:
        where = self.where()
        return f"{where}: {self.message}" if where else self.message


class ShapeError(MinidlError, ValueError, RuntimeError):
    """Shapes that do not fit each other or the layer."""


class DTypeError(MinidlError, TypeError, RuntimeError):
    """An element type that the operation does not take."""


class ArgumentError(MinidlError, ValueError, RuntimeError):
    """An argument whose value makes no sense, such as a negative learning rate."""


class ArgumentTypeError(MinidlError, TypeError):
    """An argument of the wrong kind, or a call whose arguments don't match the function's."""


class NameTaken(MinidlError, KeyError):
    """A name for a parameter, buffer or child that is empty, has a dot in it or is in use."""


class NotInitialised(MinidlError, AttributeError):
    """A module used before its `super().__init__()` ran."""


class IndexOutOfRange(MinidlError, IndexError, RuntimeError):
    """An index or label that points outside what it indexes."""


class GraphError(MinidlError, RuntimeError):
    """A request the recorded graph can't serve: backward twice, a value changed after it was saved, ..."""


class LinAlgError(MinidlError, RuntimeError):
    """A matrix that has no inverse, or none of the factors asked for."""


class StateError(MinidlError, RuntimeError):
    """A state_dict or file that does not fit the model."""


class GradcheckError(MinidlError, RuntimeError):
    """A gradient that finite differences do not confirm, with the worst element and the likely cause."""


class NotSupported(MinidlError, NotImplementedError):
    """What another format has and minidl has not, or the other way round, such as an operator of ONNX."""
