"""Containers: modules made of a row of others."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Self, overload

from ..errors import ArgumentTypeError, IndexOutOfRange
from .module import Module, check_module


class Sequential(Module):
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
            check_module(module, f"entry {name!r} of Sequential")
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """Return the output of the last module."""
        for module in self:
            input = module(input)
        return input

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._name(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        name = self._name(index)
        check_module(module, f"entry {name!r} of Sequential")
        self.add_module(name, module)

    def __delitem__(self, index: int | slice) -> None:
        kept = list(self)
        del kept[index if isinstance(index, slice) else list(self._modules).index(self._name(index))]
        self._renumber(kept)

    def append(self, module: Module) -> Self:
        """Add a module at the end; return this Sequential."""
        return self.insert(len(self), module)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; return this Sequential."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at `index`, or, if that is the length, at the end; return this Sequential."""
        check_module(module, "what is added to a Sequential")
        size = len(self)
        if not -size <= index <= size:
            raise IndexOutOfRange(f"insert: index {index} is out of range for a Sequential of {size} modules")
        if index == size and str(size) not in self._modules:
            self.add_module(str(size), module)
        else:
            row = list(self)
            row.insert(index, module)
            self._renumber(row)
        return self

    def _name(self, index: int) -> str:
        names = list(self._modules)
        if not -len(names) <= operator.index(index) < len(names):
            raise IndexOutOfRange(f"index {index} is out of range for a Sequential of {len(names)} modules")
        return names[index]

    def _renumber(self, modules: Iterable[Module]) -> None:
        for name in list(self._modules):
            delattr(self, name)
        for k, module in enumerate(modules):
            self.add_module(str(k), module)
