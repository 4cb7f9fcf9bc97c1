"""Tensor: an array and its place in the graph. Each method and operator is one line that names its function."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from typing import Any

import numpy as np

from . import _text, autograd, devices, dtypes, ops
from .autograd import Node, Pick, Variable, check_alias, edge_of, grad_mode, observer, tick, wrap
from .errors import ArgumentError, DTypeError, GraphError, IndexOutOfRange, ShapeError
from .functions import (
    activation,
    arithmetic,
    comparison,
    creation,
    cumulative,
    diagonals,
    drawing,
    elementary,
    extremes,
    indexing,
    joining,
    linalg,
    ordering,
    products,
    reductions,
    repeating,
    scattering,
    sets,
    shaping,
    softmax,
    vector_norm,
)
from .functions._arguments import axis
from .operation import cast_to, quiet


def inplace(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the in-place twin of a function: its result replaces the values of its first argument.

    A leaf that requires grad changes under no_grad only; so does a view of one, or of a constant.
    """
    composed = not hasattr(function, "op")

    @wraps(function)
    def method(self: Tensor, *args: Any, **options: Any) -> Tensor:
        check_changeable(self)
        source = self
        if composed and grad_mode.get():
            values = (self, *args, *options.values())
            if any(isinstance(x, Variable) and x.needs_grad for x in values):
                source = ops.copy(self)  # what the steps in between save is not what changes
        return replace(self, function(source, *args, **options))

    method.__name__ = f"{function.__name__}_"
    method.__doc__ = f"Put {function.__name__}(...) in the place of this Tensor's values and return it."
    return method


def inplace_ufunc(function: Callable[..., Any], ufunc: np.ufunc) -> Callable[..., Any]:
    """Return the in-place twin of a function of two inputs; while nothing is recorded it makes no temporary."""
    recorded, bare = inplace(function), inplace(getattr(ops, function.__name__))
    scales = function is not ops.mul  # does it have an alpha?

    @wraps(recorded)
    def method(self: Tensor, other: Any, *, alpha: Any = None) -> Tensor:
        x, y = self.array, other.array if isinstance(other, Variable) else other
        recording = grad_mode.get() and (self.needs_grad or (y is not other and other.needs_grad))
        direct = type(y) is float or type(y) is int or (isinstance(y, np.ndarray) and y.dtype is x.dtype)
        known = alpha is None or (scales and type(alpha) in (int, float))
        if direct and known and x.dtype.kind == "f" and not recording and observer.get() is None:
            with suppress(TypeError, ValueError, OverflowError):  # the other way says what is wrong
                step = y if alpha is None else quiet.run(np.multiply, y, alpha)
                quiet.run(ufunc, x, step, out=x, casting="same_kind")
                self.cell[0] = tick()
                return self
        return bare(self, other) if alpha is None else recorded(self, other, alpha=alpha)

    return method


def several(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of a tuple of ints as a method that takes them one by one too: x.f(2, 3) for x.f((2, 3))."""

    @wraps(function)
    def method(self: Any, *ints: Any, **options: Any) -> Any:
        if ints and not (len(ints) == 1 and isinstance(ints[0], (tuple, list, np.dtype, type))):
            ints = (ints,)
        return function(self, *ints, **options)

    return method


def reshaping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the in-place twin of a function that answers with a view: the Tensor takes the view's shape."""

    @wraps(function)
    def method(self: Tensor, *args: Any, **options: Any) -> Tensor:
        check_changeable(self)
        view = function(self, *args, **options)
        if grad_mode.get() and view.needs_grad:
            check_view(self)
        self.array, self.node = view.array, view.node
        return self

    method.__name__ = f"{function.__name__}_"
    method.__doc__ = f"Give this Tensor the shape that {function.__name__}(...) has and return it."
    return method


def filling(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a function that draws values for a Tensor as the method that fills the Tensor with them."""

    @wraps(function)
    def method(self: Tensor, *args: Any, **options: Any) -> Tensor:
        check_changeable(self)
        return self.copy_(function(self, *args, **options))

    method.__name__ = name
    return method


def told(self: Tensor) -> None:
    """Tell the observer that the values leave for Python."""
    watching = observer.get()
    if hasattr(watching, "reading"):  # an observer that only looks at operations need not hear of it
        watching.reading(self)


def check_changeable(self: Tensor) -> None:
    """Refuse an in-place change that the graph can't follow."""
    if grad_mode.get() and self.needs_grad:
        if self.node is None:
            raise GraphError(
                "a leaf that requires grad can't be changed in place while operations are recorded; put the change "
                "under `with minidl.no_grad():`, or write y = f(x)"
            )
        check_view(self)
    if not self.array.flags.writeable:
        raise GraphError("this Tensor's memory is read-only (an expanded view or a read-only array); clone() it first")


def check_view(self: Tensor) -> None:
    """Refuse a recorded change of a view whose base is a leaf or a constant, which would not know of it.

    A base with a history notices: it is older than the change of its memory, and raises when it is used again.
    """
    if self.base is not None and self.base.node is None:
        raise GraphError(
            "a recorded in-place change of a view is left out where its base has no history: it would not know; write "
            "base[index] = value on the base, or y = f(view), or clone() the view first"
        )


def check_histories(*values: Any) -> None:
    """Refuse Tensors that no longer are what their histories say, before anything is written."""
    for x in values:
        if isinstance(x, Variable) and grad_mode.get():
            edge_of(x)
            if x.base is not None:
                check_alias(x)


def replace(self: Tensor, result: Any) -> Tensor:
    """Give a Tensor the values of `result`, and its place in the graph."""
    if result.array.shape != self.array.shape:
        raise ShapeError(f"in-place: a result of shape {result.array.shape} does not fit into shape {self.array.shape}")
    if result.array.dtype != self.array.dtype:
        if dtypes.category(result.array.dtype) > dtypes.category(self.array.dtype):
            raise DTypeError(
                f"in-place: a {result.array.dtype} result can't be written into {self.array.dtype}; use y = f(x)"
            )
        result = cast_to(result, self.array.dtype)
    if result.needs_grad:
        check_view(self)
    watching = observer.get()
    if watching is not None:
        watching.changing(self)
    keep_replaced(self, result.node)
    self.array[...] = result.array
    adopt(self, result)
    if watching is not None:
        watching.called(ops.setitem.op, (self, result), (self,), {"index": ...})
    return self


def keep_replaced(self: Tensor, change: Any = None) -> None:
    """Give the nodes that saved the values about to be replaced a copy: what computed them, and the change itself.

    y **= 2 needs the y of before, and so does y = linear(x) before relu_(). Others that saved y raise in backward.
    """
    if not grad_mode.get():
        return
    nodes, node = [change], self.node
    while node is not None:
        nodes.append(node)
        passes = isinstance(node, Pick) or node.op.view  # the values are those of another node's output
        node = node.edges[0] if passes and isinstance(node.edges[0], Node) else None
    for node in nodes:
        mine = [cell is self.cell for cell in node.cells] if node is not None and node.saved is not None else []
        if any(mine):
            node.cells = [[0, 0] if own else cell for cell, own in zip(node.cells, mine, strict=True)]
            copies = [np.array(value) if own else value for value, own in zip(node.saved, mine, strict=False)]
            node.saved = (*copies, *node.saved[len(mine) :])


def adopt(self: Tensor, result: Any) -> None:
    """Note the change of a Tensor's values, and take over the history of `result` if it was recorded."""
    now = self.cell[0] = tick()
    if grad_mode.get() and (result.needs_grad or self.needs_grad):
        self.cell[1] = now
        self.node, self.needs_grad = result.node, result.needs_grad
        if self.node is not None:
            self.node.order = tick()  # after the change: it holds the values that are there now


class Tensor(Variable):
    """An array of numbers that remembers how it was computed, so that gradients can flow back. PyTorch's names.

    Tensor(data) makes a float32 Tensor of data; minidl.tensor(data) keeps the kind of data.

    >>> import minidl
    >>> x = minidl.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ()

    def __new__(cls, data: Any = (), *sizes: int) -> Any:
        """Make a Tensor of the default dtype from data, or (from ints) one of that shape."""
        if isinstance(data, (bool, float)):
            raise DTypeError(f"Tensor: got {data!r}, expected sizes or a sequence; minidl.tensor takes a number")
        if isinstance(data, int):
            array = np.zeros((data, *sizes), dtypes.get_default_dtype())
        else:
            array = np.array(creation.converted(data, dtypes.get_default_dtype()))
        return cls.holding(array)

    @classmethod
    def holding(cls, array: Any, requires_grad: bool = False) -> Any:
        """Make a Tensor around an array, sharing its memory."""
        t = object.__new__(cls)
        t.array, t.node, t.needs_grad, t.grad, t.hooks, t.base, t.cell = array, None, False, None, None, None, [0, 0]
        if requires_grad:
            t.requires_grad_()
        return t

    # -- what it is --------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type, a NumPy dtype."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def device(self) -> devices.device:
        """Where it lives: the CPU."""
        return devices.cpu

    @property
    def is_cuda(self) -> bool:
        """Whether it lives on a GPU: never."""
        return False

    def get_device(self) -> int:
        """Return the number of its GPU: -1, for the CPU."""
        return -1

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.array.nbytes

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of one dimension."""
        shape = self.array.shape
        if dim is None:
            return shaping.Size(shape)
        if not shape:
            raise IndexOutOfRange(f"dim: got {dim} for a 0-d tensor, which has none")
        return shape[axis(dim, len(shape))]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.array.ndim

    ndimension = dim

    def numel(self) -> int:
        """Return the number of elements."""
        return self.array.size

    nelement = numel

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.array.itemsize

    def stride(self) -> tuple[int, ...]:
        """Return how many elements lie between neighbours along each dimension."""
        return tuple(step // self.array.itemsize for step in self.array.strides)

    def data_ptr(self) -> int:
        """Return the address of the first element."""
        return self.array.__array_interface__["data"][0]

    def is_contiguous(self) -> bool:
        """Return whether the elements lie row-major in memory without gaps."""
        return self.array.flags.c_contiguous

    def is_signed(self) -> bool:
        """Return whether the elements can be negative."""
        return self.array.dtype.kind in "if"

    def is_same_size(self, other: Any) -> bool:
        """Return whether another Tensor has the same shape."""
        return self.array.shape == other.shape

    def is_floating_point(self) -> bool:
        """Return whether the elements are floats."""
        return self.array.dtype.kind == "f"

    def __repr__(self) -> str:
        return _text.tensor_text(self)

    def _repr_html_(self) -> str:
        return _text.tensor_html(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.array.ndim == 0 else object.__format__(self, spec)

    # -- its values outside ------------------------------------------------------------------------------------------

    def numpy(self, *, force: Any = False) -> np.ndarray[Any, Any]:
        """Return the array inside, sharing its memory; one that requires grad is detached first, or `force`d."""
        if self.needs_grad and grad_mode.get() and not force:
            raise GraphError("numpy(): this Tensor requires grad, and the array would not; use t.detach().numpy()")
        told(self)
        return self.array

    def item(self) -> Any:
        """Return the only element as a Python number."""
        if self.array.size != 1:
            raise ShapeError(f"item(): a Tensor of shape {self.array.shape} has no single element; use tolist()")
        told(self)
        return self.array.item()

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        told(self)
        return self.array.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        function = ufuncs().get(ufunc.__name__) if method == "__call__" and not options else None
        if function is not None:
            return function(*inputs)
        if any(isinstance(x, Variable) and x.needs_grad for x in inputs):
            raise GraphError(
                f"np.{ufunc.__name__} has no gradient here; use minidl's functions, or detach() the Tensor"
            )
        if "out" in options:
            raise ArgumentError(f"np.{ufunc.__name__}: out= is refused with Tensors; write y = f(x)")
        answer = getattr(ufunc, method)(*[x.numpy() if isinstance(x, Tensor) else x for x in inputs], **options)
        return tuple(map(wrap, answer)) if isinstance(answer, tuple) else wrap(answer)

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ShapeError(f"the truth of a Tensor of shape {self.array.shape} is ambiguous; use .any() or .all()")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        if self.array.size != 1 or self.array.dtype.kind not in "biu":
            raise DTypeError(
                f"only an integer Tensor of one element is an index, got {self.dtype} of shape {self.shape}"
            )
        return int(self.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise DTypeError("a 0-d Tensor has no len()")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if self.array.ndim == 0:
            raise DTypeError("a 0-d Tensor can't be iterated over")
        return iter(joining.unbind(self))

    def __contains__(self, element: Any) -> bool:
        if not comparable(element):
            raise DTypeError(f"in: got {type(element).__name__}, expected a Tensor or a number")
        return bool(ops.any(ops.eq(self, element)))

    __hash__ = object.__hash__

    def __reduce__(self) -> Any:
        return restored, (type(self), self.array, self.requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self.node is not None:
            raise GraphError("only a leaf can be deep-copied; detach() the Tensor first")
        if id(self) not in memo:
            twin = memo[id(self)] = restored(type(self), np.array(self.array), self.needs_grad)
            twin.grad = None if self.grad is None else wrap(np.array(self.grad.array))
        return memo[id(self)]

    # -- its place in the graph --------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Does a gradient flow to this Tensor? True for what is computed from one that requires it."""
        return self.needs_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Make a leaf require a gradient, or not; returns it."""
        if self.node is not None and not requires_grad:
            raise GraphError("requires_grad can be changed on leaves only; use detach() for a Tensor without history")
        if requires_grad and self.array.dtype.kind != "f":
            raise DTypeError(
                f"only floating Tensors can require gradients, this one is {self.dtype}; call .float() first"
            )
        self.needs_grad = bool(requires_grad)
        return self

    @property
    def is_leaf(self) -> bool:
        """Was it made by the user, not computed by a recorded operation?"""
        return self.node is None

    @property
    def grad_fn(self) -> Any:
        """The node that recorded how it was computed, None for a leaf."""
        return self.node

    @property
    def data(self) -> Any:
        """The values as a Tensor without history, sharing their memory; assigning replaces them."""
        return wrap(self.array)

    @data.setter
    def data(self, value: Any) -> None:
        if not isinstance(value, Variable):
            raise DTypeError(f"data: got {type(value).__name__}, expected a Tensor")
        self.array, self.cell, self.base = value.array, [tick(), 0], None

    @property
    def _version(self) -> int:
        return self.cell[0]

    def detach(self) -> Any:
        """Return a Tensor without history that shares the memory."""
        t = wrap(self.array)
        t.cell = self.cell
        return t

    def detach_(self) -> Any:
        """Forget the history of this Tensor."""
        self.node, self.needs_grad = None, False
        return self

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
    ) -> None:
        """Add dL/d(leaf) to the .grad of every leaf that L was computed from, for L = self · gradient.

        `gradient` may be left out for a single number. The graph is freed on the way unless `retain_graph`;
        `create_graph` records the backward itself, for higher derivatives.

        >>> import minidl
        >>> x = minidl.tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad
        tensor(6.)
        """
        autograd.backward(self, gradient, retain_graph, create_graph, inputs)

    def register_hook(self, hook: Callable[[Any], Any]) -> Any:
        """Call hook(gradient) when this Tensor's gradient is known; what it returns, if anything, replaces it.

        >>> import minidl
        >>> x = minidl.ones(1, requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10.])
        >>> handle.remove()
        """
        if not self.needs_grad:
            raise GraphError("register_hook: this Tensor does not require grad, so the hook would never be called")
        owner: Any = self if self.node is None else self.node
        if owner.hooks is None:
            owner.hooks = {}
        return HookHandle(owner.hooks, hook)

    def retain_grad(self) -> None:
        """Keep the gradient of this computed Tensor in .grad too, as leaves do."""
        if self.node is None:
            return
        kept = weakref.ref(self)  # the graph must not keep the Tensor alive

        def keep(gradient: Any) -> None:
            tensor = kept()
            if tensor is not None:
                total = gradient if tensor.grad is None else tensor.grad + gradient
                tensor.grad = wrap(np.array(total.array)) if total.node is None else total

        self.register_hook(keep)

    # -- conversion --------------------------------------------------------------------------------------------------

    def to(
        self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, non_blocking: bool = False
    ) -> Any:
        """Return it in another dtype (or another Tensor's); devices other than "cpu" are refused.

        >>> import minidl
        >>> minidl.ones(1).to(minidl.float64).dtype
        dtype('float64')
        """
        for arg in args:
            if isinstance(arg, Variable):
                dtype = arg.array.dtype
            elif isinstance(arg, (str, devices.device)) and str(arg).partition(":")[0] in ("cpu", "cuda", "mps", "xpu"):
                device = arg
            elif not isinstance(arg, bool):
                dtype = arg
        devices.check_device(device)
        result = self if dtype is None else cast_to(self, dtypes.checked(dtype))
        return ops.copy(self) if copy and result is self else result

    def type(self, dtype: Any = None) -> Any:
        """Return it in another dtype, or the name of its own."""
        return str(self.dtype) if dtype is None else self.to(dtype)

    def type_as(self, other: Any) -> Any:
        """Return it in the dtype of another Tensor."""
        return self.to(other)

    def cpu(self) -> Any:
        """Return it: it is on the CPU."""
        return self

    def cuda(self, device: Any = None, non_blocking: Any = False) -> Any:
        """Refused: there is no GPU here; ask cuda.is_available() first, as programs for both do."""
        return self.to("cuda")

    def float(self) -> Any:
        """Return it as float32."""
        return self.to(dtypes.float32)

    def double(self) -> Any:
        """Return it as float64."""
        return self.to(dtypes.float64)

    def half(self) -> Any:
        """Return it as float16, for storage."""
        return self.to(dtypes.float16)

    def long(self) -> Any:
        """Return it as int64."""
        return self.to(dtypes.int64)

    def int(self) -> Any:
        """Return it as int32."""
        return self.to(dtypes.int32)

    def short(self) -> Any:
        """Return it as int16."""
        return self.to(dtypes.int16)

    def char(self) -> Any:
        """Return it as int8."""
        return self.to(dtypes.int8)

    def byte(self) -> Any:
        """Return it as uint8."""
        return self.to(dtypes.uint8)

    def bool(self) -> Any:
        """Return it as booleans: True where it is not 0."""
        return self.to(dtypes.bool_)

    # -- operators ---------------------------------------------------------------------------------------------------

    __add__ = __radd__ = ops.add
    __sub__ = ops.sub
    __mul__ = __rmul__ = ops.mul
    __truediv__ = ops.div
    __floordiv__ = arithmetic.floor_divide
    __mod__ = ops.remainder
    __pow__ = ops.pow
    __matmul__ = products.matmul
    __neg__ = ops.neg
    __pos__ = elementary.positive
    __abs__ = ops.abs
    __lt__ = ops.lt
    __le__ = ops.le
    __gt__ = ops.gt
    __ge__ = ops.ge
    __invert__ = ops.bitwise_not
    __and__ = __rand__ = ops.bitwise_and
    __or__ = __ror__ = ops.bitwise_or
    __xor__ = __rxor__ = ops.bitwise_xor
    __lshift__ = ops.bitwise_left_shift
    __rshift__ = ops.bitwise_right_shift
    __getitem__ = indexing.getitem

    def __eq__(self, other: Any) -> Any:
        return ops.eq(self, other) if comparable(other) else NotImplemented  # x == None is False

    def __ne__(self, other: Any) -> Any:
        return ops.ne(self, other) if comparable(other) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return ops.sub(other, self)

    def __rtruediv__(self, other: Any) -> Any:
        return ops.div(other, self)

    __rdiv__ = __rtruediv__

    def __rfloordiv__(self, other: Any) -> Any:
        return arithmetic.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Any:
        return ops.remainder(other, self)

    def __rpow__(self, other: Any) -> Any:
        return ops.pow(other, self)

    def __rlshift__(self, other: Any) -> Any:
        return ops.bitwise_left_shift(other, self)

    def __rrshift__(self, other: Any) -> Any:
        return ops.bitwise_right_shift(other, self)

    def __rmatmul__(self, other: Any) -> Any:
        return products.matmul(other, self)

    def __setitem__(self, where: Any, value: Any) -> None:
        check_changeable(self)
        if isinstance(value, Variable) and grad_mode.get() and value.needs_grad:
            check_view(self)
        index, order = indexing.normalised(where, self.array.shape)
        value = scattering.fitting(self.array, index, order, value)
        watching = observer.get()
        if watching is not None:
            watching.changing(self)
        check_histories(self, value)
        keep_replaced(self)
        adopt(self, scattering.written(self, value, index))

    # -- functions as methods ----------------------------------------------------------------------------------------

    abs = absolute = ops.abs
    neg = negative = ops.neg
    positive = elementary.positive
    exp = ops.exp
    expm1 = ops.expm1
    exp2 = elementary.exp2
    log = ops.log
    log2 = ops.log2
    log10 = ops.log10
    log1p = ops.log1p
    sqrt = ops.sqrt
    rsqrt = elementary.rsqrt
    square = elementary.square
    reciprocal = elementary.reciprocal
    sin = ops.sin
    cos = ops.cos
    tan = elementary.tan
    asin = arcsin = ops.asin
    acos = arccos = ops.acos
    atan = arctan = elementary.atan
    atan2 = arctan2 = ops.atan2
    sinh = ops.sinh
    cosh = ops.cosh
    tanh = ops.tanh
    asinh = arcsinh = ops.asinh
    acosh = arccosh = ops.acosh
    atanh = arctanh = elementary.atanh
    sigmoid = ops.sigmoid
    logit = elementary.logit
    erf = ops.erf
    erfc = ops.erfc
    sinc = elementary.sinc
    rad2deg = elementary.rad2deg
    deg2rad = elementary.deg2rad
    relu = ops.relu
    sign = ops.sign
    signbit = elementary.signbit
    floor = ops.floor
    ceil = ops.ceil
    round = elementary.round
    trunc = fix = ops.trunc
    frac = elementary.frac
    nan_to_num = elementary.nan_to_num
    isnan = ops.isnan
    isinf = ops.isinf
    isfinite = ops.isfinite
    bitwise_not = ops.bitwise_not
    bitwise_and = ops.bitwise_and
    bitwise_or = ops.bitwise_or
    bitwise_xor = ops.bitwise_xor
    bitwise_left_shift = ops.bitwise_left_shift
    bitwise_right_shift = ops.bitwise_right_shift
    logical_not = ops.logical_not
    logical_and = ops.logical_and
    logical_or = ops.logical_or
    logical_xor = comparison.logical_xor
    add = arithmetic.add
    sub = subtract = arithmetic.sub
    mul = multiply = ops.mul
    div = divide = arithmetic.div
    true_divide = arithmetic.true_divide
    floor_divide = arithmetic.floor_divide
    remainder = ops.remainder
    fmod = ops.fmod
    copysign = ops.copysign
    pow = arithmetic.pow
    float_power = arithmetic.float_power
    hypot = ops.hypot
    logaddexp = ops.logaddexp
    logaddexp2 = arithmetic.logaddexp2
    xlogy = arithmetic.xlogy
    lerp = arithmetic.lerp
    addcmul = arithmetic.addcmul
    addcdiv = arithmetic.addcdiv
    maximum = ops.maximum
    minimum = ops.minimum
    fmax = comparison.fmax
    fmin = comparison.fmin
    heaviside = comparison.heaviside
    eq = ops.eq
    ne = not_equal = ops.ne
    lt = less = ops.lt
    le = less_equal = ops.le
    gt = greater = ops.gt
    ge = greater_equal = ops.ge
    equal = comparison.equal
    isclose = comparison.isclose
    allclose = comparison.allclose
    clamp = clip = comparison.clamp
    clamp_min = comparison.clamp_min
    clamp_max = comparison.clamp_max
    masked_fill = comparison.masked_fill
    prelu = activation.prelu
    hardshrink = activation.hardshrink
    log_softmax = softmax.log_softmax
    softmax = softmax.softmax

    def where(self, condition: Any, other: Any) -> Any:
        """Return this where the condition holds, else `other`."""
        return comparison.where(condition, self, other)

    sum = reductions.sum
    nansum = reductions.nansum
    mean = reductions.mean
    nanmean = reductions.nanmean
    prod = reductions.prod
    var = reductions.var
    std = reductions.std
    all = reductions.all
    any = reductions.any
    count_nonzero = reductions.count_nonzero
    logsumexp = reductions.logsumexp
    trace = reductions.trace
    bincount = reductions.bincount
    max = extremes.max
    min = extremes.min
    amax = extremes.amax
    amin = extremes.amin
    aminmax = extremes.aminmax
    argmax = extremes.argmax
    argmin = extremes.argmin
    median = extremes.median
    nanmedian = extremes.nanmedian
    cumsum = cumulative.cumsum
    cumprod = cumulative.cumprod
    cummax = cumulative.cummax
    cummin = cumulative.cummin
    logcumsumexp = cumulative.logcumsumexp
    diff = cumulative.diff
    norm = vector_norm.norm
    dist = vector_norm.dist
    sort = ordering.sort
    argsort = ordering.argsort
    msort = ordering.msort
    topk = ordering.topk
    kthvalue = ordering.kthvalue
    mode = ordering.mode
    unique = sets.unique
    unique_consecutive = sets.unique_consecutive

    reshape = several(shaping.reshape)
    reshape_as = shaping.reshape_as
    view = several(shaping.view)
    view_as = shaping.view_as
    flatten = shaping.flatten
    unflatten = shaping.unflatten
    ravel = shaping.ravel
    permute = several(shaping.permute)
    transpose = swapdims = shaping.transpose
    swapaxes = shaping.swapaxes
    t = shaping.t
    adjoint = shaping.adjoint
    movedim = shaping.movedim
    moveaxis = shaping.moveaxis
    squeeze = several(shaping.squeeze)
    unsqueeze = shaping.unsqueeze
    expand = several(shaping.expand)
    expand_as = shaping.expand_as
    broadcast_to = several(shaping.broadcast_to)
    clone = shaping.clone
    contiguous = shaping.contiguous
    narrow = shaping.narrow
    select = shaping.select
    split = joining.split
    split_with_sizes = joining.split_with_sizes
    tensor_split = joining.tensor_split
    hsplit = joining.hsplit
    vsplit = joining.vsplit
    dsplit = joining.dsplit
    chunk = joining.chunk
    unbind = joining.unbind
    repeat = several(repeating.repeat)
    tile = several(repeating.tile)
    repeat_interleave = repeating.repeat_interleave
    flip = several(repeating.flip)
    fliplr = repeating.fliplr
    flipud = repeating.flipud
    rot90 = repeating.rot90
    roll = repeating.roll
    tril = diagonals.tril
    triu = diagonals.triu
    diag = diagonals.diag
    diagonal = diagonals.diagonal
    diag_embed = diagonals.diag_embed
    diagflat = diagonals.diagflat

    gather = indexing.gather
    take = indexing.take
    take_along_dim = indexing.take_along_dim
    index_select = indexing.index_select
    masked_select = indexing.masked_select
    nonzero = indexing.nonzero
    argwhere = indexing.argwhere
    scatter = scattering.scatter
    scatter_add = scattering.scatter_add
    scatter_reduce = scattering.scatter_reduce
    index_add = scattering.index_add
    index_copy = scattering.index_copy
    index_fill = scattering.index_fill
    index_put = scattering.index_put
    put = scattering.put
    masked_scatter = scattering.masked_scatter
    bernoulli = drawing.bernoulli
    multinomial = drawing.multinomial

    matmul = products.matmul
    mm = products.mm
    bmm = products.bmm
    mv = products.mv
    dot = products.dot
    vdot = products.vdot
    inner = products.inner
    outer = ger = products.outer
    kron = products.kron
    cross = products.cross
    addmm = products.addmm
    addmv = products.addmv
    addr = products.addr
    baddbmm = products.baddbmm
    addbmm = products.addbmm
    det = linalg.det
    inverse = linalg.inv
    matrix_power = linalg.matrix_power
    cholesky = linalg.cholesky

    @property
    def T(self) -> Any:
        """The transpose: dimensions in reverse order."""
        return ops.permute(self, dims=tuple(range(self.array.ndim))[::-1])

    @property
    def mT(self) -> Any:
        """The last two dimensions exchanged."""
        return shaping.adjoint(self)

    @property
    def H(self) -> Any:
        """The transpose of a matrix, whose complex conjugate it is for real numbers."""
        if self.array.ndim == 1:
            raise ShapeError("H: got 1 dimension, expected a matrix")
        return shaping.t(self)

    # -- in place ----------------------------------------------------------------------------------------------------

    add_ = __iadd__ = inplace_ufunc(arithmetic.add, np.add)
    sub_ = subtract_ = __isub__ = inplace_ufunc(arithmetic.sub, np.subtract)
    mul_ = multiply_ = __imul__ = inplace_ufunc(ops.mul, np.multiply)
    div_ = divide_ = __itruediv__ = inplace(arithmetic.div)
    true_divide_ = inplace(arithmetic.true_divide)
    floor_divide_ = __ifloordiv__ = inplace(arithmetic.floor_divide)
    remainder_ = __imod__ = inplace(ops.remainder)
    fmod_ = inplace(ops.fmod)
    copysign_ = inplace(ops.copysign)
    pow_ = __ipow__ = inplace(arithmetic.pow)
    bitwise_and_ = __iand__ = inplace(ops.bitwise_and)
    bitwise_or_ = __ior__ = inplace(ops.bitwise_or)
    bitwise_xor_ = __ixor__ = inplace(ops.bitwise_xor)
    bitwise_left_shift_ = __ilshift__ = inplace(ops.bitwise_left_shift)
    bitwise_right_shift_ = __irshift__ = inplace(ops.bitwise_right_shift)
    bitwise_not_ = inplace(ops.bitwise_not)
    eq_ = inplace(ops.eq)
    ne_ = not_equal_ = inplace(ops.ne)
    lt_ = less_ = inplace(ops.lt)
    le_ = less_equal_ = inplace(ops.le)
    gt_ = greater_ = inplace(ops.gt)
    ge_ = greater_equal_ = inplace(ops.ge)
    logical_and_ = inplace(ops.logical_and)
    logical_or_ = inplace(ops.logical_or)
    logical_not_ = inplace(ops.logical_not)
    logical_xor_ = inplace(comparison.logical_xor)
    neg_ = negative_ = inplace(ops.neg)
    abs_ = absolute_ = inplace(ops.abs)
    exp_ = inplace(ops.exp)
    expm1_ = inplace(ops.expm1)
    log_ = inplace(ops.log)
    log2_ = inplace(ops.log2)
    log10_ = inplace(ops.log10)
    log1p_ = inplace(ops.log1p)
    sqrt_ = inplace(ops.sqrt)
    sin_ = inplace(ops.sin)
    cos_ = inplace(ops.cos)
    asin_ = arcsin_ = inplace(ops.asin)
    acos_ = arccos_ = inplace(ops.acos)
    atan2_ = arctan2_ = inplace(ops.atan2)
    sinh_ = inplace(ops.sinh)
    cosh_ = inplace(ops.cosh)
    tanh_ = inplace(ops.tanh)
    asinh_ = arcsinh_ = inplace(ops.asinh)
    acosh_ = arccosh_ = inplace(ops.acosh)
    sigmoid_ = inplace(ops.sigmoid)
    erf_ = inplace(ops.erf)
    erfc_ = inplace(ops.erfc)
    relu_ = inplace(ops.relu)
    cumsum_ = inplace(cumulative.cumsum)
    cumprod_ = inplace(cumulative.cumprod)
    addmm_ = inplace(products.addmm)
    addmv_ = inplace(products.addmv)
    addr_ = inplace(products.addr)
    baddbmm_ = inplace(products.baddbmm)
    addbmm_ = inplace(products.addbmm)
    sign_ = inplace(ops.sign)
    floor_ = inplace(ops.floor)
    ceil_ = inplace(ops.ceil)
    trunc_ = fix_ = inplace(ops.trunc)
    hypot_ = inplace(ops.hypot)
    exp2_ = inplace(elementary.exp2)
    rsqrt_ = inplace(elementary.rsqrt)
    square_ = inplace(elementary.square)
    reciprocal_ = inplace(elementary.reciprocal)
    tan_ = inplace(elementary.tan)
    atan_ = arctan_ = inplace(elementary.atan)
    atanh_ = arctanh_ = inplace(elementary.atanh)
    logit_ = inplace(elementary.logit)
    sinc_ = inplace(elementary.sinc)
    rad2deg_ = inplace(elementary.rad2deg)
    deg2rad_ = inplace(elementary.deg2rad)
    round_ = inplace(elementary.round)
    frac_ = inplace(elementary.frac)
    nan_to_num_ = inplace(elementary.nan_to_num)
    xlogy_ = inplace(arithmetic.xlogy)
    lerp_ = inplace(arithmetic.lerp)
    addcmul_ = inplace(arithmetic.addcmul)
    addcdiv_ = inplace(arithmetic.addcdiv)
    clamp_ = clip_ = inplace(comparison.clamp)
    clamp_min_ = inplace(comparison.clamp_min)
    clamp_max_ = inplace(comparison.clamp_max)
    heaviside_ = inplace(comparison.heaviside)
    masked_fill_ = inplace(comparison.masked_fill)
    tril_ = inplace(diagonals.tril)
    triu_ = inplace(diagonals.triu)
    fill_diagonal_ = inplace(diagonals.fill_diagonal)
    scatter_ = inplace(scattering.scatter)
    scatter_add_ = inplace(scattering.scatter_add)
    scatter_reduce_ = inplace(scattering.scatter_reduce)
    index_add_ = inplace(scattering.index_add)
    index_copy_ = inplace(scattering.index_copy)
    index_fill_ = inplace(scattering.index_fill)
    index_put_ = inplace(scattering.index_put)
    put_ = inplace(scattering.put)
    masked_scatter_ = inplace(scattering.masked_scatter)
    squeeze_ = reshaping(several(shaping.squeeze))
    unsqueeze_ = reshaping(shaping.unsqueeze)
    t_ = reshaping(shaping.t)
    transpose_ = swapdims_ = reshaping(shaping.transpose)
    swapaxes_ = reshaping(shaping.swapaxes)
    uniform_ = filling(drawing.uniform, "uniform_")
    normal_ = filling(drawing.gaussian, "normal_")
    log_normal_ = filling(drawing.log_normal, "log_normal_")
    exponential_ = filling(drawing.exponential, "exponential_")
    cauchy_ = filling(drawing.cauchy, "cauchy_")
    geometric_ = filling(drawing.geometric, "geometric_")
    bernoulli_ = filling(drawing.coin, "bernoulli_")
    random_ = filling(drawing.integer, "random_")

    def float_power_(self, exponent: Any) -> Any:
        """Put float_power(...) in the place of this Tensor's values, which must be float64, and return it."""
        if self.dtype != dtypes.float64:
            raise DTypeError(f"float_power_: the result is float64 and can't be written into {self.dtype}")
        return self.pow_(exponent)

    def fill_(self, value: Any) -> Any:
        """Set every element to `value`."""
        check_changeable(self)
        return replace(self, cast_to(ops.add(ops.zeros_like(self), value), self.array.dtype))

    def zero_(self) -> Any:
        """Set every element to 0."""
        return self.fill_(0)

    def copy_(self, source: Any) -> Any:
        """Set the values to those of `source`, broadcast and converted."""
        check_changeable(self)
        source = source if isinstance(source, Variable) else creation.as_tensor(source)
        source = shaping.expand(cast_to(source, self.array.dtype), self.array.shape)
        if self.needs_grad and not source.needs_grad:
            source = ops.add(ops.zeros_like(self), source)  # still recorded, with a gradient of 0
        return replace(self, source)

    # -- new Tensors like this one -----------------------------------------------------------------------------------

    def new_zeros(self, *sizes: Any, dtype: Any = None, **options: Any) -> Any:
        """Return zeros of a shape, in this dtype."""
        return creation.zeros(*sizes, dtype=self.dtype if dtype is None else dtype, **options)

    def new_ones(self, *sizes: Any, dtype: Any = None, **options: Any) -> Any:
        """Return ones of a shape, in this dtype."""
        return creation.ones(*sizes, dtype=self.dtype if dtype is None else dtype, **options)

    def new_empty(self, *sizes: Any, dtype: Any = None, **options: Any) -> Any:
        """Return a Tensor of a shape, in this dtype, whose values mean nothing yet."""
        return creation.empty(*sizes, dtype=self.dtype if dtype is None else dtype, **options)

    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = None, **options: Any) -> Any:
        """Return a Tensor of a shape full of one value, in this dtype."""
        return creation.full(size, fill_value, dtype=self.dtype if dtype is None else dtype, **options)

    def new_tensor(self, data: Any, *, dtype: Any = None, **options: Any) -> Any:
        """Return a Tensor of data, in this dtype."""
        return creation.tensor(data, dtype=self.dtype if dtype is None else dtype, **options)


def comparable(other: Any) -> bool:
    """Return whether a Tensor can be compared with it element by element."""
    return isinstance(other, (Variable, np.ndarray, np.generic, bool, int, float))


class HookHandle:
    """What removes a hook again."""

    last = 0

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        HookHandle.last += 1
        self.hooks, self.id = hooks, HookHandle.last
        hooks[self.id] = hook

    def remove(self) -> None:
        """Remove the hook."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def restored(kind: Any, array: Any, requires_grad: bool) -> Any:
    """Return a Tensor as it was before it was pickled."""
    return kind.holding(array, requires_grad)


def ufuncs() -> dict[str, Callable[..., Any]]:
    """Return the operations that stand behind NumPy's functions of Tensors."""
    renamed = {
        "subtract": ops.sub, "multiply": ops.mul, "divide": ops.div, "true_divide": ops.div, "negative": ops.neg,
        "power": ops.pow, "absolute": ops.abs, "rint": ops.round, "equal": ops.eq, "not_equal": ops.ne, "less": ops.lt,
        "less_equal": ops.le, "greater": ops.gt, "greater_equal": ops.ge, "matmul": products.matmul,
        "square": elementary.square, "reciprocal": elementary.reciprocal, "exp2": elementary.exp2,
        "tan": elementary.tan, "arcsin": ops.asin, "arccos": ops.acos, "arctan": elementary.atan,
        "arctan2": ops.atan2, "arcsinh": ops.asinh, "arccosh": ops.acosh, "arctanh": elementary.atanh,
        "floor_divide": arithmetic.floor_divide,
    }  # fmt: skip
    same = (
        "add", "exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sin", "cos", "sinh", "cosh", "tanh", "sign",
        "floor", "ceil", "trunc", "maximum", "minimum", "isnan", "isinf", "isfinite", "logical_and", "logical_or",
        "logical_not", "remainder", "fmod", "hypot", "logaddexp",
    )  # fmt: skip
    return {**renamed, **{name: getattr(ops, name) for name in same}}


autograd.tensor_type = Tensor
