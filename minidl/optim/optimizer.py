"""The optimizer's frame: groups of parameters, their options and state. The rule itself is a subclass's `update`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import minidl

from ..autograd import enable_grad, observer, tick
from ..errors import ArgumentError, ArgumentTypeError, StateError
from ..tensor import Tensor

# Options that PyTorch has for its speed on a GPU: any value gives the same numbers.
HARMLESS = ("foreach", "fused", "capturable")


class Optimizer:
    """The base of all optimizers.

    `params` is what to train: Tensors (as `model.parameters()` yields them), pairs of name and Tensor, or dicts, each a
    group with options of its own: `[{"params": a}, {"params": b, "lr": 0.1}]`. `defaults` are the options of a group
    that does not name them. `others` are options that only PyTorch has: those that change only its speed are accepted.

    A subclass writes its rule as `update(w, g, state, group)`, in NumPy, on one parameter and its gradient:

    >>> import numpy as np
    >>> import minidl
    >>> class SignDescent(minidl.optim.Optimizer):
    ...     def update(self, w, g, state, group):
    ...         w -= group["lr"] * np.sign(g)
    >>> w = minidl.tensor([1.0, -1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignDescent([w], {"lr": 0.25}).step()
    >>> w.tolist()
    [0.75, -0.75]
    """

    def __init__(self, params: Any, defaults: dict[str, Any], others: Mapping[str, Any] | None = None) -> None:
        for name, value in (others or {}).items():
            if name not in HARMLESS and not (name == "differentiable" and not value):
                raise ArgumentTypeError(f"{type(self).__name__} has no option {name}={value!r}")
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self.stepped = False  # for a scheduler, which must come after the first step
        groups = listed(params)
        if not groups:
            raise ArgumentError(
                "params is empty, there is nothing to optimize; does the model have parameters, and was the generator "
                "model.parameters() used up before?"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    # -- the step ----------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient by the rule; return what `closure`, if given, returns.

        A closure computes the loss again: it clears the gradients, runs the model and backward, and returns the loss.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        watching = observer.get()
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            if watching is None:
                self.update_group(params, group)
                continue
            for param in params:
                with watching.updating(self, param, group):
                    self.update_group([param], group)
        self.stepped = True
        return loss

    def update(self, w: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the array `w` of a parameter in place by its gradient `g`; `state` is this parameter's own dict.

        `g` must stay as it is. What `state` holds between steps are Tensors and numbers.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rule; write update(self, w, g, state, group)")

    @np.errstate(all="ignore")  # an overflow gives inf or nan without a warning, as everywhere
    def update_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        """Change these parameters of a group, one by one by the rule."""
        for param in params:
            self.update(param.array, param.grad.array, self.state[param], group)
            param.cell[0] = tick()  # so that a backward that saved the old values knows

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with `set_to_none=False` fill them with zeros. Call it before each backward."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    param.grad = param.grad.detach().zero_()

    # -- groups ------------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, as when layers are unfrozen during training."""
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise ArgumentTypeError(f"a parameter group must be a dict with 'params', got {param_group!r}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else listed(params)
        names = [param[0] for param in params if isinstance(param, tuple)]
        params = [param[1] if isinstance(param, tuple) else param for param in params]
        group = {**self.defaults, **param_group, "params": params}
        if names:
            group["param_names"] = names
        for number, param in enumerate(params):
            if not isinstance(param, Tensor):
                raise ArgumentTypeError(f"params must hold Tensors, but entry {number} is a {type(param).__name__}")
            if not param.is_leaf:
                raise ArgumentError(
                    f"params: entry {number}, of shape {param.shape}, was computed from other Tensors; only leaves are "
                    "trained: pass what it was computed from, or a copy of its own: nn.Parameter(x)"
                )
        if len(names) not in (0, len(params)) or any(("param_names" in g) != bool(names) for g in self.param_groups):
            raise ArgumentError("either all parameters of an optimizer come with names or none")
        earlier = [param for other in self.param_groups for param in other["params"]]
        if len({id(param) for param in (*earlier, *params)}) < len(earlier) + len(params):
            raise ArgumentError("params holds a parameter twice; it would be updated twice in a step, so give it once")
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option of a group makes no sense."""
        if "lr" in group:
            at_least_zero("lr", group["lr"])

    # -- state -------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return the options and state, with numbers in the place of parameters, to go on later from the same point.

        >>> import minidl
        >>> minidl.optim.SGD(minidl.nn.Linear(2, 1).parameters(), lr=0.1).state_dict()["param_groups"][0]["params"]
        [0, 1]
        """
        params = [param for group in self.param_groups for param in group["params"]]
        number = {id(param): k for k, param in enumerate(params)}
        return {
            "state": {number[id(param)]: state for param, state in self.state.items() if state},
            "param_groups": [
                {**{name: value for name, value in group.items() if name != "params"},
                 "params": [number[id(param)] for param in group["params"]]}
                for group in self.param_groups
            ],
        }  # fmt: skip

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over options and state; parameters are matched by their order. Nothing is changed if it does not fit.

        Tensors are copied, and converted to their parameter's dtype.
        """
        try:
            saved_groups, saved_state = list(state_dict["param_groups"]), dict(state_dict["state"])
        except (KeyError, TypeError):
            raise StateError(
                "load_state_dict: expected what state_dict() returns, with 'state' and 'param_groups'"
            ) from None
        ours = [len(group["params"]) for group in self.param_groups]
        theirs = [len(group["params"]) for group in saved_groups]
        if ours != theirs:
            raise ArgumentError(f"the state has groups of {theirs} parameters, this optimizer of {ours}")
        numbers = [number for group in saved_groups for number in group["params"]]
        params = [param for group in self.param_groups for param in group["params"]]
        state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for number, param in zip(numbers, params, strict=True):
            if number in saved_state:
                state[param] = {name: fitted(value, param, name) for name, value in saved_state[number].items()}
        groups = [
            {**group, **saved, "params": group["params"]}
            for group, saved in zip(self.param_groups, saved_groups, strict=True)
        ]
        for group in groups:
            self.check(group)
        self.state, self.param_groups = state, groups

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def listed(params: Any) -> list[Any]:
    """Return an iterable of parameters or groups as a list, or raise for what is often given instead."""
    if hasattr(params, "parameters"):
        raise ArgumentTypeError(f"params: got the module {type(params).__name__} itself; pass model.parameters()")
    if isinstance(params, Tensor):
        raise ArgumentTypeError("params must be an iterable of Tensors, got one Tensor; pass it in a list: [w]")
    if isinstance(params, (str, dict)) or not isinstance(params, Iterable):
        raise ArgumentTypeError(f"params must be an iterable of Tensors or dicts, got {type(params).__name__}")
    if isinstance(params, (set, frozenset)):
        raise ArgumentTypeError("params must have the same order in every run, and a set has none; pass a list")
    return list(params)


def at_least_zero(name: str, value: Any) -> None:
    """Raise unless an option is a finite number from 0 up."""
    try:
        good = 0 <= value < math.inf
    except TypeError:
        good = False
    if not good:
        raise ArgumentError(f"{name} must be a finite number of 0 or more, got {value!r}")


def below_one(name: str, value: Any) -> None:
    """Raise unless an option is a number from 0 to 1, without 1."""
    at_least_zero(name, value)
    if value >= 1:
        raise ArgumentError(f"{name} must be from 0 to 1, without 1, got {value!r}")


def fitted(value: Any, param: Tensor, name: str) -> Any:
    """Return a copy of a value of the state for this parameter, or raise if its shape is another."""
    if not isinstance(value, (Tensor, np.ndarray)):
        return value
    if name == "step":  # a count, in a dtype of its own
        return minidl.tensor(value)
    if value.shape != param.shape:
        raise StateError(f"the state's {name} is {value.shape} for a parameter of shape {param.shape}")
    return minidl.tensor(value, dtype=param.dtype).contiguous()
