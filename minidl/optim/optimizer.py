"""The optimizer's frame: groups of parameters, their options and state. The rule itself is a subclass's `update`."""

from __future__ import annotations

import copy
import functools
import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

import minidl

from ..autograd import enable_grad, observer, tick
from ..errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError, StateError
from ..nn.parameter import clear_gradients
from ..tensor import HookHandle, Tensor


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a class's `step` with the hooks around it; in one that a derived class's step calls, they don't run."""

    @functools.wraps(step)
    def step_with_hooks(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if type(self).step is not step_with_hooks:
            return step(self, *args, **kwargs)
        args = (self, *args)  # as the hooks see them
        for hook in list(self.pre_hooks.values()):
            answer = hook(self, args, kwargs)
            if answer is not None:
                if not isinstance(answer, tuple) or len(answer) != 2:
                    raise ArgumentError(f"a step pre-hook must return None or (args, kwargs), got {answer!r}")
                args, kwargs = answer
        loss = step(*args, **kwargs)
        self.stepped = True
        for hook in list(self.post_hooks.values()):
            hook(self, args, kwargs)
        return loss

    return step_with_hooks


class Optimizer:
    """The base of all optimizers.

    `params` is what to train: Tensors (as `model.parameters()` yields them), pairs of name and Tensor, or dicts, each a
    group with options of its own: `[{"params": a}, {"params": b, "lr": 0.1}]`. `defaults` are the options of a group
    that does not name them. The options `foreach`, `fused` and `capturable` choose between PyTorch's ways to compute
    the same numbers, and do nothing here; `differentiable` must be False.

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

    # what a group holds that is no part of the rule
    beside_the_rule = frozenset({"params", "param_names", "foreach", "fused", "capturable", "differentiable"})

    # what the state of a parameter holds that is one number, in a dtype of its own, where all else has the shape of the
    # parameter; None if it may hold anything
    numbers: tuple[str, ...] | None = None

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.pre_hooks: dict[int, Callable[..., Any]] = {}
        self.post_hooks: dict[int, Callable[..., Any]] = {}
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

    def __init_subclass__(cls, **options: Any) -> None:
        """Run the hooks around a step that a derived class writes anew."""
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = hooked(cls.step)  # type: ignore[method-assign]

    # -- the step ----------------------------------------------------------------------------------------------------

    @hooked
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
            if param.grad.shape != param.shape:
                raise ShapeError(f"a parameter of shape {param.shape} has a gradient of shape {param.grad.shape}")
            self.update(param.array, param.grad.array, self.state[param], group)
            param.cell[0] = tick()  # so that a backward that saved the old values knows

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with `set_to_none=False` fill them with zeros. Call it before each backward."""
        for group in self.param_groups:
            clear_gradients(group["params"], set_to_none)

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return other (args, kwargs) for it.

        The first of `args` is the optimizer, as in the call `Optimizer.step(optimizer)`.
        """
        return HookHandle(self.pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(optimizer, args, kwargs)` after each step.

        >>> import minidl
        >>> optimizer = minidl.optim.SGD([minidl.zeros(1, requires_grad=True)], lr=0.1)
        >>> handle = optimizer.register_step_post_hook(lambda optimizer, args, kwargs: print("a step"))
        >>> optimizer.step()
        a step
        >>> handle.remove()
        """
        return HookHandle(self.post_hooks, hook)

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
            if param.requires_grad and param.dtype == np.float16:
                raise DTypeError(f"params: entry {number} is float16, which is for storage; train it in float32")
        if len(names) not in (0, len(params)) or any(("param_names" in g) != bool(names) for g in self.param_groups):
            raise ArgumentError("either all parameters of an optimizer come with names or none")
        if len(set(params)) < len(params):
            warnings.warn("params holds a parameter twice, which is then updated twice in a step", stacklevel=3)
        if not set(params).isdisjoint(param for other in self.param_groups for param in other["params"]):
            raise ArgumentError("params: some parameters are in more than one group; each must have its own options")
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: dict[str, Any]) -> None:
        """Raise if an option of a group makes no sense."""
        if "lr" in group:
            at_least_zero("lr", group["lr"])
        if group.get("differentiable"):
            raise ArgumentError("differentiable=True is not supported: a step changes the arrays and is not recorded")
        if group.get("fused") and group.get("foreach"):
            raise ArgumentError("fused and foreach can't both be True")

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
            for name, value in saved_state.get(number, {}).items():
                state[param][name] = fitted(name, value, param, self.numbers)
        groups = []
        for group, saved in zip(self.param_groups, copy.deepcopy(saved_groups), strict=True):
            names = {"param_names": group["param_names"]} if "param_names" in group else {}
            groups.append({**self.defaults, **names, **saved, "params": group["params"]})
        self.state, self.param_groups = state, groups

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: all but the hooks."""
        return {**vars(self), "pre_hooks": {}, "post_hooks": {}}

    def __repr__(self) -> str:
        groups = []
        for number, group in enumerate(self.param_groups):
            options = [f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params"]
            groups.append(f"\nParameter Group {number}\n" + "".join(options))
        return f"{type(self).__name__} ({''.join(groups)})"


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


def check_number(name: str, value: Any) -> None:
    """Raise unless an option is a number, or a Tensor with one."""
    if not isinstance(value, (Real, Tensor)):
        raise ArgumentTypeError(f"{name} must be a number, got {value!r}")
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ArgumentError(f"{name} must be one number, got a Tensor of shape {value.shape}")


def check_pair(name: str, value: Any) -> None:
    """Raise unless an option is a pair of numbers."""
    if not isinstance(value, (tuple, list)):
        raise ArgumentTypeError(f"{name} must be a pair of numbers, got {value!r}")
    if len(value) != 2:
        raise ArgumentError(f"{name} must be a pair of numbers, got {value!r}")
    for number, entry in enumerate(value):
        check_number(f"{name}[{number}]", entry)


def at_least_zero(name: str, value: Any) -> None:
    """Raise unless an option is a finite number from 0 up."""
    check_number(name, value)
    if not 0 <= value < math.inf:
        raise ArgumentError(f"{name} must be a finite number of 0 or more, got {value!r}")


def below_one(name: str, value: Any) -> None:
    """Raise unless an option is a number from 0 to 1, without 1."""
    at_least_zero(name, value)
    if value >= 1:
        raise ArgumentError(f"{name} must be from 0 to 1, without 1, got {value!r}")


def check_betas(betas: Any) -> None:
    """Raise unless betas is a pair of numbers from 0 to 1, without 1."""
    check_pair("betas", betas)
    for number, beta in enumerate(betas):
        below_one(f"betas[{number}]", beta)


def fitted(name: str, value: Any, param: Tensor, numbers: Iterable[str] | None) -> Any:
    """Return a copy of a value of the state for this parameter, or raise if its shape is another."""
    is_array = hasattr(value, "shape")
    if numbers is not None and name in numbers:
        return minidl.tensor(value if is_array else float(value))
    if not is_array:
        return copy.deepcopy(value)
    if name == "step":
        return minidl.tensor(value)
    if numbers is not None and tuple(value.shape) != param.shape:
        raise StateError(f"the state's {name} is {tuple(value.shape)} for a parameter of shape {param.shape}")
    return minidl.tensor(value, dtype=param.dtype).contiguous()
