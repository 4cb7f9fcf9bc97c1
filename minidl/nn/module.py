"""Module: the base of everything that has parameters.

A module keeps its parameters, buffers and child modules as ordinary attributes, so reading `self.weight` costs no more
than reading any other. What is special is the assignment: `self.weight = Parameter(...)` also notes in `_roles` that
the name `weight` stands for a parameter, in the order of assignment. Every walk over a model (parameters(),
state_dict(), to(), repr) reads those notes.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

import minidl

from .. import autograd
from ..errors import ArgumentError, ArgumentTypeError, DTypeError, MinidlError, NameTaken, NotInitialised
from ..tensor import HookHandle, Tensor
from . import hooks, state
from .parameter import Buffer, Parameter, clear_gradients

# what the name of an attribute may stand for
PARAMETER, BUFFER, UNSAVED_BUFFER, MODULE = "parameter", "buffer", "unsaved buffer", "module"


class Module:
    """The base class of all layers and models: a tree of modules that hold parameters.

    A subclass calls `super().__init__()` first, assigns its layers and parameters to attributes, and computes in
    `forward`. Call the module itself, `net(x)`: that runs `forward` and the hooks.

    `training` is True until `eval()` is called; Dropout and its like look at it.

    >>> import minidl
    >>> from minidl import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc1 = nn.Linear(4, 3)
    ...         self.fc2 = nn.Linear(3, 2)
    ...     def forward(self, x):
    ...         return self.fc2(minidl.relu(self.fc1(x)))
    >>> net = Net()
    >>> net(minidl.ones(5, 4)).shape
    (5, 2)
    >>> net
    Net(
      (fc1): Linear(in_features=4, out_features=3, bias=True)
      (fc2): Linear(in_features=3, out_features=2, bias=True)
    )
    >>> [name for name, _ in net.named_parameters()]
    ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias']
    """

    training: bool
    forward: Callable[..., Any]
    _roles: dict[str, str]
    _hooks: OrderedDict[int, Any]  # hooks.Hook by number

    def __init__(self) -> None:
        self.__dict__.update(training=True, _roles={}, _hooks=OrderedDict())

    # -- the call ----------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` with these arguments, and the hooks around it."""
        try:
            observer = autograd.observer.get()
            if observer is not None:
                with observer.inside(self):
                    return hooks.call(self, args, kwargs)
            if self._hooks:
                return hooks.call(self, args, kwargs)
            return self.forward(*args, **kwargs)
        except MinidlError as error:
            error.passed_through(self)
            raise
        except TypeError:
            mismatch = call_mismatch(self.forward, args, kwargs)
            if mismatch is None:
                raise
            mismatch.passed_through(self)
            raise mismatch from None

    # -- attributes --------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        roles = self.__dict__.get("_roles")
        role = PARAMETER if isinstance(value, Parameter) else MODULE if isinstance(value, Module) else None
        if isinstance(value, Buffer):
            role = BUFFER if value.persistent else UNSAVED_BUFFER
        if role is not None:
            if roles is None:
                raise not_initialised(self)
            if role == MODULE and "_roles" not in value.__dict__:
                raise not_initialised(value)
            if hasattr(Module, name):
                raise NameTaken(f"{name!r} is a method of every module; give the {role} another name, such as {name}_")
            if roles.get(name) != role:  # what the name stood for before is forgotten
                self.__dict__.pop(name, None)
                roles.pop(name, None)
        elif roles and value is not None and name in roles:
            held = roles[name]
            if held in (PARAMETER, MODULE) or not isinstance(value, Tensor):
                wanted = {PARAMETER: "an nn.Parameter", MODULE: "an nn.Module"}.get(held, "a Tensor")
                raise ArgumentTypeError(
                    f"{type(self).__name__}.{name} is a {held}: expected {wanted} or None, got {type(value).__name__}; "
                    f"`del` the attribute first if its kind is meant to change"
                )
        object.__setattr__(self, name, value)
        if role is not None and roles is not None and name in self.__dict__:  # a property may have taken the value
            roles[name] = role

    def __getattr__(self, name: str) -> Any:
        """Explain a missing attribute; those that exist are found without coming here."""
        kind = type(self).__name__
        if "_roles" not in self.__dict__:
            raise not_initialised(self)
        if name == "forward":
            raise NotImplementedError(f"{kind} has no forward method; write one: def forward(self, x): ...")
        raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=self)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._roles.pop(name, None)

    def __dir__(self) -> list[str]:
        return sorted(name for name in object.__dir__(self) if not name[0].isdigit())  # "0" in a Sequential is no name

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a copied or unpickled state; the notes are copied, so that a shallow copy has its own."""
        self.__dict__.update(state)
        if "_roles" in state:
            self.__dict__.update(_roles=dict(state["_roles"]), _hooks=OrderedDict(state["_hooks"]))

    def _with_role(self, *roles: str) -> Mapping[str, Any]:
        held = self.__dict__
        return MappingProxyType({name: held[name] for name, role in self._roles.items() if role in roles})

    @property
    def _parameters(self) -> Mapping[str, Parameter | None]:
        return self._with_role(PARAMETER)

    @property
    def _buffers(self) -> Mapping[str, Tensor | None]:
        return self._with_role(BUFFER, UNSAVED_BUFFER)

    @property
    def _modules(self) -> Mapping[str, Module | None]:
        return self._with_role(MODULE)

    def _register(self, name: str, value: Any, *roles: str) -> None:
        """Put a value under a name that is free or has one of these roles already; it gets the first."""
        role = roles[0]
        if "_roles" not in self.__dict__:
            raise not_initialised(self)
        if not isinstance(name, str):
            raise ArgumentTypeError(f"the name of a {role} must be a string, got {type(name).__name__}")
        if not name or "." in name:
            raise NameTaken(f"the name of a {role} must not be empty or have a dot in it, got {name!r}")
        if self._roles.get(name) not in roles and (name == "forward" or hasattr(self, name)):
            raise NameTaken(f"{type(self).__name__} has an attribute {name!r} already; give the {role} another name")
        object.__setattr__(self, name, value)
        self._roles[name] = role

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under `name`; None keeps the name for one that is switched off, as a bias may be.

        Raises TypeError for what is no Parameter, KeyError for a name that is taken, empty or dotted.
        """
        if param is not None and not isinstance(param, Parameter):
            raise ArgumentTypeError(
                f"the parameter {name!r} must be an nn.Parameter or None, got {type(param).__name__}; "
                "wrap it: nn.Parameter(value)"
            )
        self._register(name, param, PARAMETER)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a buffer: a Tensor that belongs to the state but is not trained, such as a running mean.

        It is converted by `to()` and, if `persistent`, saved in the state_dict.

        >>> import minidl
        >>> module = minidl.nn.Module()
        >>> module.register_buffer("mean", minidl.zeros(2))
        >>> list(module.state_dict())
        ['mean']
        """
        if tensor is not None and not isinstance(tensor, Tensor):
            raise ArgumentTypeError(f"the buffer {name!r} must be a Tensor or None, got {type(tensor).__name__}")
        roles = (BUFFER, UNSAVED_BUFFER) if persistent else (UNSAVED_BUFFER, BUFFER)
        self._register(name, tensor, *roles)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child under `name`: what `self.name = module` does, for a name made at run time."""
        check_module(module, f"the child {name!r}", optional=True)
        self._register(name, module, MODULE)

    add_module = register_module

    # -- walks over the tree -----------------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it with their dotted paths, parents first; a shared one once.

        >>> from minidl import nn
        >>> [path for path, _ in nn.Sequential(nn.Linear(2, 2), nn.ReLU()).named_modules()]
        ['', '0', '1']
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Yield this module and all below it, parents first."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules directly below with their names; a shared one once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """Yield the modules directly below."""
        for _, child in self.named_children():
            yield child

    def _named_members(
        self, prefix: str, recurse: bool, remove_duplicate: bool, *roles: str
    ) -> Iterator[tuple[str, Any]]:
        seen = set()
        owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, owner in owners:
            for name, value in owner._with_role(*roles).items():
                if value is not None and id(value) not in seen:
                    if remove_duplicate:
                        seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters of this module and all below it with their dotted names; a shared one once."""
        return self._named_members(prefix, recurse, remove_duplicate, PARAMETER)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters of this module and (unless `recurse` is False) of all below it: what an optimizer takes.

        >>> from minidl import nn
        >>> sum(p.numel() for p in nn.Linear(784, 10).parameters())
        7850
        """
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers of this module and all below it with their dotted names."""
        return self._named_members(prefix, recurse, remove_duplicate, BUFFER, UNSAVED_BUFFER)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers of this module and all below it."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """Return the module at a dotted path; the empty path is this module itself.

        >>> from minidl import nn
        >>> nn.Sequential(nn.Linear(2, 2), nn.ReLU()).get_submodule("1")
        ReLU()
        """
        return self._find(target.split("."), MODULE) if target else self

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a dotted path, such as `fc1.weight`."""
        return self._find(target.split("."), PARAMETER)

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a dotted path."""
        return self._find(target.split("."), BUFFER, UNSAVED_BUFFER)

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted path, in place of the one that is there; unless `strict`, the last name may be new.

        >>> from minidl import nn
        >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> net.set_submodule("1", nn.Tanh())
        >>> net[1]
        Tanh()
        """
        if not target:
            raise ArgumentError("target: got an empty path, expected that of a module")
        check_module(module, f"the module {target!r}")
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if strict or hasattr(owner, name):
            owner.get_submodule(name)
        owner._register(name, module, MODULE)

    def _find(self, path: list[str], *roles: str) -> Any:
        owner, found = self, None
        for depth, name in enumerate(path):
            wanted = roles if depth == len(path) - 1 else (MODULE,)
            members = owner._with_role(*wanted)
            found = members.get(name)
            if found is None:
                where = ".".join([type(self).__name__, *path[:depth]])
                raise AttributeError(f"{where} has no {wanted[0]} {name!r}; it has: {', '.join(members) or 'none'}")
            owner = found
        return found

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below and then on this one, as for initialising weights; return this module.

        >>> from minidl import nn
        >>> def init(module):
        ...     if isinstance(module, nn.Linear):
        ...         nn.init.ones_(module.weight)
        >>> nn.Sequential(nn.Linear(2, 1, bias=False)).apply(init)[0].weight.tolist()
        [[1.0, 1.0]]
        """
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # -- modes, gradients, dtype -------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set training mode (or with False evaluation mode) here and below; return this module."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"train(mode): expected True or False, got {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode, in which Dropout lets everything pass; the same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let the parameters here and below be trained, or with False freeze them; return this module."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with `set_to_none=False` fill them with zeros."""
        clear_gradients(self.parameters(), set_to_none)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert the floating parameters and buffers to a dtype in place; return this module.

        Every Parameter stays the same object, so an optimizer goes on with it. The arguments are those of `Tensor.to`:
        a dtype, a Tensor whose dtype to take, or a device, of which there is only "cpu".

        >>> import minidl
        >>> minidl.nn.Linear(2, 1).to(minidl.float64).weight.dtype
        dtype('float64')
        """
        dtype = minidl.zeros(0).to(*args, **kwargs).dtype
        if dtype.kind != "f":
            raise DTypeError(f"Module.to: parameters are floating, so expected a floating dtype, got {dtype}")
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dtype.kind == "f":
                grad = tensor.grad
                tensor.grad = None
                tensor.data = tensor.data.to(*args, **kwargs)
                tensor.grad = None if grad is None else grad.to(*args, **kwargs)
        return self

    def float(self) -> Self:
        """Convert the floating parameters and buffers to float32."""
        return self.to(minidl.float32)

    def double(self) -> Self:
        """Convert the floating parameters and buffers to float64."""
        return self.to(minidl.float64)

    def half(self) -> Self:
        """Convert the floating parameters and buffers to float16, to store them."""
        return self.to(minidl.float16)

    def type(self, dst_type: Any) -> Self:
        """Convert the floating parameters and buffers to a dtype."""
        return self.to(dst_type)

    def share_memory(self) -> Self:
        """Return this module: threads share its memory already."""
        return self

    def cpu(self) -> Self:
        """Return this module: it is on the CPU already."""
        return self

    # -- state -------------------------------------------------------------------------------------------------------

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return the parameters and saved buffers by their dotted names: what to store of a model.

        The values are detached Tensors that share memory with the model, or with `keep_vars` the parameters themselves.
        They are written into `destination` where one is given.

        >>> from minidl import nn
        >>> list(nn.Sequential(nn.Linear(2, 2)).state_dict())
        ['0.weight', '0.bias']
        """
        found: dict[str, Any] = OrderedDict() if destination is None else destination
        for entry in state.entries(self, prefix):
            found[entry.key] = entry.value if keep_vars else entry.value.detach()
        return found

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> state.IncompatibleKeys:
        """Copy values from a state_dict into this model; return the missing and the unexpected keys.

        A key that is missing or unexpected is an error unless `strict` is False; a value of the wrong shape always is.
        One StateError names them all. Unlike PyTorch, which by then has copied what did fit, nothing has been loaded
        when it is raised. With `assign` the model takes the given Tensors themselves, with their dtype.

        >>> from minidl import nn
        >>> nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3).state_dict())
        <All keys matched successfully>
        >>> nn.Linear(2, 3).load_state_dict({"weight": nn.Linear(4, 3).weight})
        Traceback (most recent call last):
        minidl.errors.StateError: the state_dict does not fit Linear, and nothing was loaded:
          missing: bias
          wrong shape: weight is (3, 4) in the state_dict, (3, 2) in the model
        """
        return state.load(self, state_dict, strict, assign)

    # -- hooks -------------------------------------------------------------------------------------------------------

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, args)` before each forward; what it returns, if not None, replaces the arguments.

        With `with_kwargs` it is `hook(module, args, kwargs)` and returns None or both. `prepend` runs it before the
        hooks that are there already. The handle's `remove()` takes it away.
        """
        return hooks.register(self, "forward_pre", hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook(module, args, output)` after each forward; what it returns, if not None, replaces the output.

        With `with_kwargs` it is `hook(module, args, kwargs, output)`.

        >>> import minidl
        >>> layer = minidl.nn.Linear(2, 3)
        >>> handle = layer.register_forward_hook(lambda module, args, output: print(output.shape))
        >>> y = layer(minidl.ones(5, 2))
        (5, 3)
        >>> handle.remove()
        >>> y = layer(minidl.ones(5, 2))
        """
        return hooks.register(self, "forward", hook, prepend, with_kwargs)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_output)` when backward reaches the outputs; it may return another grad_output."""
        return hooks.register(self, "backward_pre", hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are there.

        Both are tuples with one entry for each positional argument and output, None where there is no gradient. What it
        returns, if not None, replaces grad_input. If no input needs a gradient, it is called with the gradient of the
        outputs and a grad_input of None.

        >>> import minidl
        >>> layer = minidl.nn.Linear(2, 1)
        >>> handle = layer.register_full_backward_hook(lambda module, dx, dy: print(dx[0].shape, dy[0].shape))
        >>> layer(minidl.ones(5, 2, requires_grad=True)).sum().backward()
        (5, 2) (5, 1)
        """
        return hooks.register(self, "backward", hook, prepend)

    # -- repr --------------------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return what repr shows between the parentheses besides the children; a subclass overrides it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = self._modules.items()
        if len(lines) <= 1 and not children:
            return f"{self._get_name()}({extra})"
        lines += [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in children]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


def not_initialised(module: Module) -> NotInitialised:
    """Return the error for a module whose `super().__init__()` has not run."""
    kind = type(module).__name__
    return NotInitialised(
        f"super().__init__() of this {kind} has not run; make it the first line of {kind}.__init__, before layers and "
        "parameters are assigned"
    )


def check_module(value: Any, what: str, optional: bool = False) -> None:
    """Raise unless `value` is an initialised Module (or None where that is allowed)."""
    if optional and value is None:
        return
    if not isinstance(value, Module):
        if isinstance(value, type):
            got = f"the class {value.__name__} itself; make an object of it: {value.__name__}(...)"
        else:
            got = f"{getattr(value, '__name__', type(value).__name__)}, which is none"
        raise ArgumentTypeError(f"{what} must be an nn.Module{' or None' if optional else ''}, got {got}")
    if "_roles" not in value.__dict__:
        raise not_initialised(value)


def call_mismatch(forward: Callable[..., Any], args: Any, kwargs: Any) -> ArgumentTypeError | None:
    """Return the error for arguments that `forward` doesn't take, or None if it does take them."""
    try:
        signature = inspect.signature(forward)
    except ValueError:  # a callable without a readable signature
        return None
    try:
        signature.bind(*args, **kwargs)
    except TypeError as reason:
        given = [type(value).__name__ for value in args] + [f"{name}={type(v).__name__}" for name, v in kwargs.items()]
        return ArgumentTypeError(f"forward{signature} was called with ({', '.join(given)}): {reason}")
    return None
