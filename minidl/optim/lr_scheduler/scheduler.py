"""The schedules' frame, and those whose rule is a function of the user's."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...errors import ArgumentError, ArgumentTypeError
from ...tensor import Tensor
from ..optimizer import Optimizer, check_number


class LRScheduler:
    """The base of all schedules: `step()`, once an epoch and after the optimizer's, sets each group's lr to `get_lr()`.

    `last_epoch` counts the steps from 0; another value than -1 to start from goes on with a loaded optimizer, whose
    groups then have their `initial_lr`. A subclass writes `get_lr`, which returns an lr for each group.

    >>> import minidl
    >>> from minidl import optim
    >>> class Halving(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Halving(optimizer)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    _get_lr_called_within_step = False  # for schedules that warn of a get_lr() called by the user

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        if not any("initial_lr" in group for group in optimizer.param_groups):  # the first schedule
            optimizer.stepped = False
        for number, (group, lr) in enumerate(zip(optimizer.param_groups, of_groups(optimizer), strict=True)):
            if last_epoch == -1:
                group.setdefault("initial_lr", lr)
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"last_epoch={last_epoch} goes on with a schedule, but group {number} of the optimizer has no "
                    "'initial_lr'; load the optimizer's state first, or leave last_epoch out to start anew"
                )
        self.optimizer = optimizer
        self.base_lrs = of_groups(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        """Do the first step, which the optimizer has not come before."""
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[Any]:
        """Return the learning rate of each group for the epoch `last_epoch`, from that of the epoch before."""
        raise NotImplementedError(f"{type(self).__name__} has no rule; write get_lr(self)")

    def _get_closed_form_lr(self) -> list[Any]:
        """Return the learning rate of each group for the epoch `last_epoch`, from the initial one where it can be."""
        return self.get_lr()

    def get_last_lr(self) -> list[Any]:
        """Return the learning rate of each group that the last step set."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next epoch, or to a given one, which warns."""
        if self._step_count == 1 and not self.optimizer.stepped:
            warnings.warn(
                "scheduler.step() came before optimizer.step(), so the first learning rate is never used; call "
                "optimizer.step() first",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of a given one."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr() if epoch is None else self._get_closed_form_lr()
        finally:
            self._get_lr_called_within_step = False
        self.set_lr(rates)

    def set_lr(self, rates: Iterable[Any]) -> None:
        """Give each group its learning rate."""
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            put_lr(group, lr)
        self._last_lr = of_groups(self.optimizer)

    def state_dict(self) -> dict[str, Any]:
        """Return all but the optimizer, to go on later from the same point."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict() returned."""
        vars(self).update(state_dict)


def warn_of_epoch() -> None:
    """Warn that step() was given an epoch."""
    warnings.warn(
        "scheduler.step(epoch) sets the rate of that epoch anew, whatever changed it before; call scheduler.step()",
        stacklevel=3,
    )


def of_groups(optimizer: Optimizer, name: str = "lr") -> list[Any]:
    """Return an option of each group; of a Tensor, a copy."""
    values = [group[name] for group in optimizer.param_groups]
    return [value.clone() if isinstance(value, Tensor) else value for value in values]


def put_lr(group: dict[str, Any], lr: Any) -> None:
    """Set a group's learning rate; one that is a Tensor stays the same Tensor."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(float(lr))
    else:
        group["lr"] = lr


def put_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set a group's momentum, of Adam and its like β₁."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def check_momentum(optimizer: Optimizer) -> None:
    """Raise unless an optimizer has a momentum."""
    if not {"momentum", "betas"} & set(optimizer.defaults):
        raise ArgumentError(f"{type(optimizer).__name__} has no momentum; set cycle_momentum=False")


def check_optimizer(optimizer: Any) -> None:
    """Raise unless it is an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentTypeError(f"optimizer must be a minidl.optim.Optimizer, got {type(optimizer).__name__}")


def for_each_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """Return a list with one value for each group, from one for all of them or a list of as many."""
    check_optimizer(optimizer)
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        raise ArgumentError(f"{name}: expected {groups} values, one for each group, got {len(values)}")
    return values


def attributes(function: Callable[..., Any]) -> dict[str, Any] | None:
    """Return the attributes of a callable object, None for a function, which has none to save."""
    plain = isinstance(function, types.FunctionType) or not hasattr(function, "__dict__")
    return None if plain else dict(vars(function))


def number_for_each_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """Return a list with one number for each group, or raise."""
    values = for_each_group(name, value, optimizer)
    for number in values:
        check_number(name, number)
    return values


def check_numbers(**options: Any) -> None:
    """Raise if an option is no number."""
    for name, value in options.items():
        check_number(name, value)


class LambdaLR(LRScheduler):
    """lr = initial lr · lr_lambda(epoch), with one function for all groups or a list with one for each.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.lr_lambdas = for_each_group("lr_lambda", lr_lambda, optimizer)
        for function in self.lr_lambdas:
            if not callable(function):
                raise ArgumentTypeError(f"lr_lambda must be a function of the epoch, got {function!r}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the initial rates times the functions' values."""
        return [lr * function(self.last_epoch) for lr, function in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all but the optimizer and the functions; of a callable object, its attributes."""
        return {**super().state_dict(), "lr_lambdas": [attributes(function) for function in self.lr_lambdas]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict() returned."""
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                vars(function).update(saved)
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})


class MultiplicativeLR(LambdaLR):
    """lr <- lr · lr_lambda(epoch) from epoch 1 on, with one function for all groups or a list with one for each.

    >>> import minidl
    >>> from minidl import optim
    >>> optimizer = optim.SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> for epoch in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def get_lr(self) -> list[float]:
        """Return the present rates times the functions' values."""
        present = of_groups(self.optimizer)
        if self._is_initial:
            return present
        return [lr * function(self.last_epoch) for lr, function in zip(present, self.lr_lambdas, strict=True)]
