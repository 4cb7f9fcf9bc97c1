"""Containers: modules made of a row or a dictionary of others, or of parameters."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import groupby
from typing import Any, Self, overload

from ..errors import ArgumentTypeError, IndexOutOfRange
from ..tensor import Tensor
from .module import Module, check_module
from .parameter import Parameter


class Row(Module):
    """What the containers that are like a list have in common.

    It is indexed, sliced and changed as a list is; after a change that shifts them, the entries are numbered anew.
    """

    def _held(self) -> Mapping[str, Any]:
        """Return the entries by their names, in their order."""
        return self._modules

    def _checked(self, name: str, value: Any) -> Any:
        """Return a value as an entry, or raise if it can't be one."""
        check_module(value, f"entry {name!r} of {type(self).__name__}")
        return value

    def _put(self, name: str, value: Any) -> None:
        """Put an entry under a name."""
        self.add_module(name, self._checked(name, value))

    @classmethod
    def _made_of(cls, entries: list[Any]) -> Self:
        """Return a container of this kind with these entries."""
        return cls(entries)  # type: ignore[call-arg]

    def __len__(self) -> int:
        return len(self._held())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._held().values())

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._made_of(list(self)[index])
        return self._held()[self._name(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(self._name(index), value)

    def __delitem__(self, index: int | slice) -> None:
        kept = list(self)
        del kept[index if isinstance(index, slice) else list(self._held()).index(self._name(index))]
        self._renumber(kept)

    def __add__(self, other: Iterable[Any]) -> Self:
        return self._made_of([*self, *other])

    def __iadd__(self, other: Iterable[Any]) -> Self:
        return self.extend(other)

    def append(self, value: Any) -> Self:
        """Add an entry at the end; return this container."""
        return self.insert(len(self), value)

    def extend(self, values: Iterable[Any]) -> Self:
        """Add entries at the end; return this container."""
        if not isinstance(values, Iterable) or isinstance(values, (Tensor, Mapping)):
            raise ArgumentTypeError(f"extend: expected a list or another iterable, got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def insert(self, index: int, value: Any) -> Self:
        """Put an entry before the one at `index`, or, if that is the length, at the end; return this container."""
        size = len(self)
        if not -size <= index <= size:
            raise IndexOutOfRange(f"insert: index {index} is out of range for a {type(self).__name__} of {size}")
        if index == size and str(size) not in self._held():
            self._put(str(size), value)
        else:
            row = list(self)
            row.insert(index, self._checked(str(index), value))
            self._renumber(row)
        return self

    def pop(self, index: int = -1) -> Any:
        """Remove the entry at `index` and return it."""
        value = self[index]
        del self[index]
        return value

    def _name(self, index: int) -> str:
        names = list(self._held())
        if not -len(names) <= operator.index(index) < len(names):
            raise IndexOutOfRange(f"index {index} is out of range for a {type(self).__name__} of {len(names)}")
        return names[index]

    def _renumber(self, values: Iterable[Any]) -> None:
        for name in list(self._held()):
            delattr(self, name)
        for k, value in enumerate(values):
            self._put(str(k), value)


class Sequential(Row):
    """y = f_n(...f_2(f_1(x))): modules one after the other, each getting the output of the one before.

    They are given one by one, and then are called "0", "1", ..., or as one OrderedDict with their names. It is indexed,
    sliced and changed as a list is; after a change that shifts them, the modules are numbered anew.

    >>> import minidl
    >>> from minidl import nn
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> net(minidl.zeros(5, 4)).shape
    (5, 2)
    >>> net[-1]
    Linear(in_features=3, out_features=2, bias=True)
    >>> len(net.append(nn.Tanh()))
    4
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], (list, tuple)):
            raise ArgumentTypeError("Sequential takes modules one by one; unpack the list: nn.Sequential(*modules)")
        if len(modules) == 1 and isinstance(modules[0], dict):
            named = list(modules[0].items())
        else:
            named = [(str(k), module) for k, module in enumerate(modules)]
        for name, module in named:
            self._put(name, module)

    @classmethod
    def _made_of(cls, entries: list[Any]) -> Self:
        return cls(*entries)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):  # the modules keep their names
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)

    def forward(self, input: Any) -> Any:
        """Return the output of the last module."""
        for module in self:
            input = module(input)
        return input


class ModuleList(Row):
    """A list of modules, so that a model knows them as its own; what is done with them stands in the model's forward.

    It is indexed, sliced and changed as a list is. In an ordinary Python list, the modules' parameters are not found.

    >>> from minidl import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
    ...     def forward(self, x):
    ...         for layer in self.layers:
    ...             x = x + layer(x)
    ...         return x
    >>> Net().layers
    ModuleList(
      (0-2): 3 x Linear(in_features=4, out_features=4, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module | None] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def _checked(self, name: str, value: Any) -> Any:
        check_module(value, f"entry {name!r} of ModuleList", optional=True)
        return value

    def __repr__(self) -> str:
        lines, start = [], 0
        for text, group in groupby(map(repr, self)):
            size = len(list(group))
            number = f"({start})" if size == 1 else f"({start}-{start + size - 1})"
            times = "" if size == 1 else f"{size} x "
            lines.append(f"{number}: {times}{text}".replace("\n", "\n  "))
            start += size
        inside = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({inside})"


class ParameterList(Row):
    """A list of parameters, so that a module knows them as its own. A Tensor that is put in becomes a Parameter.

    >>> import minidl
    >>> from minidl import nn
    >>> weights = nn.ParameterList([minidl.zeros(2, 2), minidl.zeros(3)])
    >>> [(name, w.shape) for name, w in weights.named_parameters()]
    [('0', (2, 2)), ('1', (3,))]
    """

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        super().__init__()
        self.extend(() if values is None else values)

    def _held(self) -> Mapping[str, Any]:
        return self._parameters

    def _checked(self, name: str, value: Any) -> Any:
        return as_parameter(name, value)

    def _put(self, name: str, value: Any) -> None:
        self.register_parameter(name, self._checked(name, value))

    def extra_repr(self) -> str:
        """Return a line for each parameter."""
        return "\n".join(f"  ({name}): {described(value)}" for name, value in self._parameters.items())


class Dictionary(Module):
    """What the containers that are like a dict have in common."""

    def _held(self) -> Mapping[str, Any]:
        """Return the entries by their keys, in their order."""
        return self._modules

    def _put(self, key: str, value: Any) -> None:
        """Put an entry under a key, or raise if it can't be one."""
        self.add_module(key, value)

    def __getitem__(self, key: str) -> Any:
        return self._held()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._put(key, value)

    def __delitem__(self, key: str) -> None:
        if key not in self._held():
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._held())

    def __iter__(self) -> Iterator[str]:
        return iter(self._held())

    def __contains__(self, key: str) -> bool:
        return key in self._held()

    def keys(self) -> KeysView[str]:
        """Return the keys."""
        return self._held().keys()

    def values(self) -> ValuesView[Any]:
        """Return the entries."""
        return self._held().values()

    def items(self) -> ItemsView[str, Any]:
        """Return the pairs of key and entry."""
        return self._held().items()

    def pop(self, key: str) -> Any:
        """Remove an entry and return it."""
        value = self[key]
        del self[key]
        return value

    def clear(self) -> None:
        """Remove all entries."""
        for key in list(self):
            del self[key]

    def update(self, entries: Any) -> None:
        """Put the entries of a mapping, or pairs of key and entry, in."""
        if not isinstance(entries, Iterable):
            raise ArgumentTypeError(
                f"update: expected a mapping or pairs of key and entry, got {type(entries).__name__}"
            )
        for key, value in list(entries.items() if hasattr(entries, "items") else entries):
            self[key] = value


class ModuleDict(Dictionary):
    """A dict of modules, so that a model knows them as its own; what is done with them stands in the model's forward.

    >>> from minidl import nn
    >>> choices = nn.ModuleDict({"conv": nn.Conv2d(1, 4, 3), "pool": nn.MaxPool2d(3)})
    >>> list(choices), choices["pool"]
    (['conv', 'pool'], MaxPool2d(kernel_size=3, stride=3, padding=0, dilation=1, ceil_mode=False))
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update({} if modules is None else modules)


class ParameterDict(Dictionary):
    """A dict of parameters, so that a module knows them as its own. A Tensor that is put in becomes a Parameter.

    >>> import minidl
    >>> from minidl import nn
    >>> weights = nn.ParameterDict({"left": minidl.zeros(2), "right": minidl.zeros(3)})
    >>> [(name, w.shape) for name, w in weights.named_parameters()]
    [('left', (2,)), ('right', (3,))]
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self.update({} if parameters is None else parameters)

    def _held(self) -> Mapping[str, Any]:
        return self._parameters

    def _put(self, key: str, value: Any) -> None:
        self.register_parameter(key, as_parameter(key, value))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the parameter under a key, or the default."""
        return self._parameters.get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the parameter under a key; put the default there first if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def extra_repr(self) -> str:
        """Return a line for each parameter."""
        return "\n".join(f"  ({name}): {described(value)}" for name, value in self._parameters.items())


def as_parameter(name: str, value: Any) -> Parameter:
    """Return a Tensor as a Parameter, or raise for anything else."""
    if not isinstance(value, Tensor):
        raise ArgumentTypeError(f"entry {name!r} must be a Parameter or Tensor, got {type(value).__name__}")
    return value if isinstance(value, Parameter) else Parameter(value)


def described(parameter: Any) -> str:
    """Return what stands for a parameter in the repr of its container."""
    return f"Parameter containing: [{parameter.dtype} of size {'x'.join(map(str, parameter.shape))}]"
