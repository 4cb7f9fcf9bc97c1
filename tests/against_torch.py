"""Compare minidl with PyTorch live, on the sample inputs and wrong calls that PyTorch tests itself with.

    python tests/against_torch.py                        all that both have, a line for each name
    python tests/against_torch.py add nn.functional.pad  these names, with the first differences of each
    python tests/against_torch.py nn.Linear nn.LSTM      modules
    python tests/against_torch.py --mutate add           also calls with one argument replaced by something odd

For every sample: the function, by position and by PyTorch's keywords, the method and the in-place method; all dtypes,
contiguous or not; kind, dtype, shape and values of what comes back, gradients, second gradients (float64), unchanged
inputs; and that what PyTorch refuses is refused by TypeError, ValueError, IndexError or RuntimeError with our words.
Needs PyTorch 2.13 and what its own tests need (pip install torch==2.13.0 expecttest).
"""

from __future__ import annotations

import argparse
import functools
import inspect
import itertools
import math
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

import minidl
from minidl.errors import MinidlError

REFUSALS = (TypeError, ValueError, IndexError, RuntimeError)
DTYPES = (torch.float64, torch.float32, torch.int64, torch.int32, torch.uint8, torch.bool)
NUMPY = {
    getattr(torch, name): np.dtype(name)
    for name in ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
}
TOLERANCE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 2e-5, np.dtype(np.float16): 2e-3}

# What draws at random, or leaves memory as it finds it: only kind, dtype and shape are compared.
RANDOM = (
    "dropout", "bernoulli", "multinomial", "normal", "rand", "empty", "uniform", "exponential", "rrelu", "gumbel",
    "cauchy", "geometric", "log_normal", "random",
)  # fmt: skip

# What may answer with another place where values are equal: of what is not floating, places are not compared.
TIES = ("sort", "argsort", "msort", "topk", "kthvalue", "mode", "median", "nanmedian", "unique")

# What changes an argument: running statistics, and rows that are too long.
CHANGING = ("nn.functional.batch_norm", "nn.functional.embedding", "nn.functional.instance_norm")

# What is documented as different, or as left out: the value of an argument, or its kind.
LEFT_OUT = (torch.memory_format, torch.layout, torch.Generator, torch.nn.Module, complex)


class LeftOut(Exception):
    """This sample asks for what minidl documents as left out."""


class Difference(Exception):
    """What differs."""


# -- from PyTorch to minidl ------------------------------------------------------------------------------------------


def twin(x: Any) -> Any:
    """Return a torch value as minidl's, of the same layout in memory; containers are walked."""
    if isinstance(x, torch.Tensor):
        if x.dtype not in NUMPY or x.layout is not torch.strided or x.ndim > 64:  # NumPy has no more dimensions
            raise LeftOut(str(x.dtype))
        dtype = NUMPY[x.dtype]
        if x.numel():
            memory = np.array(torch.tensor([], dtype=x.dtype).set_(x.detach().untyped_storage()))
            strides = [step * dtype.itemsize for step in x.stride()]
            array = np.lib.stride_tricks.as_strided(memory[x.storage_offset() :], tuple(x.shape), strides)
        else:
            array = np.empty(tuple(x.shape), dtype)
        result = minidl.from_numpy(array)
        return result.requires_grad_() if x.requires_grad else result
    if isinstance(x, torch.dtype):
        if x not in NUMPY:
            raise LeftOut(str(x))
        return NUMPY[x]
    if isinstance(x, LEFT_OUT):
        raise LeftOut(type(x).__name__)
    if callable(x) and hasattr(torch.nn.functional, getattr(x, "__name__", "")):
        return getattr(minidl.nn.functional, x.__name__)
    if isinstance(x, torch.device):
        if x.type != "cpu":
            raise LeftOut(str(x))
        return "cpu"
    if isinstance(x, torch.Size):
        return tuple(x)
    if isinstance(x, (tuple, list)):
        return type(x)(twin(e) for e in x)
    if isinstance(x, slice):
        return slice(twin(x.start), twin(x.stop), twin(x.step))
    if isinstance(x, dict):
        return {key: twin(value) for key, value in x.items()}
    return x


def fresh(x: Any) -> Any:
    """Return a torch value as leaves of its own, of the same layout."""
    if isinstance(x, torch.Tensor):
        if x.layout is not torch.strided or x.dtype not in NUMPY:
            return x
        with torch.no_grad():
            memory = x.detach().untyped_storage().clone()
            result = torch.tensor([], dtype=x.dtype).set_(memory, x.storage_offset(), x.shape, x.stride())
        return result.requires_grad_() if x.requires_grad else result
    if isinstance(x, (tuple, list)) and not isinstance(x, torch.Size):
        return type(x)(fresh(e) for e in x)
    return {key: fresh(value) for key, value in x.items()} if isinstance(x, dict) else x


def tensors_in(x: Any) -> list[Any]:
    """Return the Tensors (of either library) in nested containers, in order."""
    if isinstance(x, (torch.Tensor, minidl.Tensor)):
        return [x]
    if isinstance(x, dict):
        return [t for value in x.values() for t in tensors_in(value)]
    return [t for e in x for t in tensors_in(e)] if isinstance(x, (tuple, list)) else []


def array_of(x: Any) -> np.ndarray[Any, Any]:
    return x.detach().numpy(force=True) if isinstance(x, torch.Tensor) else x.detach().numpy()


# -- comparing -------------------------------------------------------------------------------------------------------


def compare(found: Any, expected: Any, where: str, values: bool = True, slack: float = 1.0) -> None:
    """Raise a Difference unless both are the same kind, dtype, shape and values."""
    if isinstance(expected, torch.Tensor):
        if not isinstance(found, minidl.Tensor):
            raise Difference(f"{where}: got {type(found).__name__}, expected a Tensor")
        dtype = NUMPY.get(expected.dtype)
        if found.dtype != dtype:
            raise Difference(f"{where}: dtype {found.dtype}, expected {dtype}")
        if found.shape != tuple(expected.shape):
            raise Difference(f"{where}: shape {found.shape}, expected {tuple(expected.shape)}")
        if found.requires_grad != expected.requires_grad:
            raise Difference(f"{where}: requires_grad {found.requires_grad}, expected {expected.requires_grad}")
        if values:
            compare_arrays(array_of(found), array_of(expected), where, slack)
    elif isinstance(expected, (tuple, list)) and not isinstance(expected, torch.Size):
        if isinstance(expected, tuple) != isinstance(found, tuple) or not isinstance(found, (tuple, list)):
            raise Difference(f"{where}: got {type(found).__name__}, expected {type(expected).__name__}")
        if len(found) != len(expected):
            raise Difference(f"{where}: {len(found)} results, expected {len(expected)}")
        names = getattr(type(expected), "__match_args__", ())
        if names and getattr(found, "_fields", None) != tuple(names):
            raise Difference(f"{where}: fields {getattr(found, '_fields', None)}, expected {names}")
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            compare(a, b, f"{where}[{i}]", values, slack)
    elif isinstance(expected, torch.dtype):
        if found != NUMPY[expected]:
            raise Difference(f"{where}: got {found!r}, expected {expected!r}")
    elif isinstance(expected, torch.Size):
        if found != tuple(expected):
            raise Difference(f"{where}: got {found!r}, expected {expected!r}")
    elif type(found) is not type(expected) or (values and found != expected and expected == expected):
        raise Difference(f"{where}: got {found!r}, expected {expected!r}")


def compare_arrays(found: Any, expected: Any, where: str, slack: float = 1.0) -> None:
    """Raise a Difference unless the values are equal but for rounding."""
    rtol = TOLERANCE.get(expected.dtype, 0.0) * slack
    finite = np.abs(expected[np.isfinite(expected)]) if expected.dtype.kind == "f" else np.zeros(0)
    scale = min(1.0, float(finite.max())) if finite.size else 1.0
    if not np.allclose(found, expected, rtol=rtol, atol=rtol * max(scale, 1e-3), equal_nan=True):
        wrong = ~np.isclose(found, expected, rtol=rtol, atol=rtol * max(scale, 1e-3), equal_nan=True)
        some = f"{np.asarray(found)[wrong][:3]}, expected {expected[wrong][:3]}"
        raise Difference(f"{where}: {int(wrong.sum())} of {wrong.size} values differ: {some}")


def words(error: BaseException) -> str:
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text[:160]}"


def check_refusal(error: BaseException) -> None:
    """Raise a Difference unless an error is one that a user should see."""
    if not isinstance(error, REFUSALS):
        raise Difference(f"refused by {words(error)}")
    if isinstance(error, MinidlError):
        if len(str(error)) < 12:
            raise Difference(f"refused without a reason: {words(error)}")
        return
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    said_by_python = isinstance(error, TypeError) and ("argument" in str(error) or "not callable" in str(error))
    if not said_by_python and not (isinstance(error, ZeroDivisionError) or "minidl" in last):
        raise Difference(f"refused by a bare {words(error)}")
    if "minidl" in last and not said_by_python and Path(last).name != Path(__file__).name:
        raise Difference(f"refused by a bare {words(error)} in {Path(last).name}")


def weights(shape: Any, seed: int) -> np.ndarray[Any, Any]:
    return np.cos(np.arange(math.prod(shape)) * 1.3 + seed).reshape(tuple(shape)) + 0.1


def gradients(lib: Any, out: Any, leaves: list[Any], create_graph: bool) -> Any:
    """Return the gradients of a weighted sum of the outputs by the leaves, None where there is none."""
    parts = [x for x in tensors_in(out) if x.requires_grad]
    if not parts:
        return None
    cotangents = [
        lib.from_numpy(np.asarray(weights(x.shape, k), array_of(x).dtype)).requires_grad_(create_graph)
        for k, x in enumerate(parts)
    ]
    first = lib.autograd.grad(parts, leaves, cotangents, create_graph=create_graph, allow_unused=True)
    return first, cotangents


def compare_gradients(found: Any, expected: Any, mine: list[Any], theirs: list[Any], second: bool) -> None:
    """Raise a Difference unless first and second gradients agree."""
    answer = gradients(torch, expected, theirs, second)
    if answer is None:
        return
    first, cotangents = answer
    got, my_cotangents = gradients(minidl, found, mine, second)
    compare_all(got, first, "gradient", mine)
    if not second:
        return
    parts = [g for g in first if g is not None and g.requires_grad]
    mine_parts = [g for g, e in zip(got, first, strict=True) if e is not None and e.requires_grad]
    if not parts:
        return
    try:
        again = gradients(torch, parts, [*theirs, *cotangents], False)
    except (RuntimeError, NotImplementedError):
        return  # PyTorch has no second gradient here
    if again is None:
        return
    mine_parts = [g for g in mine_parts if g is not None]
    my_leaves = [*mine, *my_cotangents]
    my_again = gradients(minidl, mine_parts, my_leaves, False) or ([None] * len(my_leaves), None)
    compare_all(my_again[0], again[0], "second gradient", my_leaves, 10.0)


def compare_all(found: Any, expected: Any, where: str, leaves: list[Any], slack: float = 2.0) -> None:
    for i, (a, b, leaf) in enumerate(zip(found, expected, leaves, strict=True)):
        zeros = np.zeros(leaf.shape, leaf.dtype)
        mine, theirs = zeros if a is None else array_of(a), zeros if b is None else array_of(b)
        if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
            raise Difference(f"{where} {i}: {mine.dtype} {mine.shape}, expected {theirs.dtype} {theirs.shape}")
        compare_arrays(mine, theirs, f"{where} {i}", slack)


# -- a call ----------------------------------------------------------------------------------------------------------


def both(
    theirs: Callable[..., Any], mine: Callable[..., Any], args: Any, kwargs: Any, *, second: bool, values: bool = True,
    unchanged: bool = True, by_name: bool = False, ties: bool = False,
) -> str:  # fmt: skip
    """Call both libraries alike and raise a Difference where they part; return "agrees", "refused" or "left out"."""
    t_args, t_kwargs = fresh(args), fresh(kwargs)
    try:
        m_args, m_kwargs = twin(args), twin(kwargs)
    except LeftOut:
        return "left out"
    try:
        expected: Any = theirs(*t_args, **t_kwargs)
        refusal = None
    except Exception as error:
        refusal = error
    if refusal is None and any(x.dtype not in NUMPY or x.layout is not torch.strided for x in tensors_in(expected)):
        return "left out"
    before = [array_of(x).copy() for x in tensors_in([m_args, m_kwargs])]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("error", RuntimeWarning)
            found = mine(*m_args, **m_kwargs)
    except Exception as error:
        if refusal is None:
            raise Difference(f"raised {words(error)}") from error
        check_refusal(error)
        return "refused"
    if refusal is not None:
        if by_name:
            return "left out"  # the names of another form
        if isinstance(refusal, NotImplementedError) or "not implemented for" in str(refusal):
            return "left out"  # PyTorch has no kernel for this type; an answer does no harm
        raise Difference(f"accepted what PyTorch refuses by {words(refusal)}")
    if unchanged:
        for x, old in zip(tensors_in([m_args, m_kwargs]), before, strict=True):
            if not np.array_equal(array_of(x), old, equal_nan=old.dtype.kind == "f"):
                raise Difference("an input was changed")
    if not tensors_in([m_args, m_kwargs]) and not tensors_in(found) and tensors_in(expected):
        return "left out"  # plain arguments get plain answers
    if ties:
        found, expected = without_places(found), without_places(expected)
    compare(found, expected, "result", values)
    theirs_leaves = [x for x in tensors_in([t_args, t_kwargs]) if x.requires_grad]
    mine_leaves = [x for x in tensors_in([m_args, m_kwargs]) if x.requires_grad]
    if theirs_leaves and values:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                compare_gradients(found, expected, mine_leaves, theirs_leaves, second)
            except (Difference, RuntimeWarning):
                raise
            except Exception as error:
                raise Difference(f"gradient raised {words(error)}") from error
    return "agrees"


def without_places(answer: Any) -> Any:
    """Return an answer with its indices, which may differ, as their shape alone."""
    if isinstance(answer, tuple):
        return answer[0], tuple(answer[1].shape)
    return tuple(answer.shape)


def attribute(lib: Any, name: str) -> Any:
    for part in name.split("."):
        lib = getattr(lib, part, None)
    return lib


def in_minidl(function: Any) -> Any:
    """Return a function written in PyTorch's tables as it runs with minidl for torch, None for any other."""
    if isinstance(function, functools.partial) and hasattr(minidl.nn.functional, function.func.__name__):
        return functools.partial(getattr(minidl.nn.functional, function.func.__name__), **function.keywords)
    if not isinstance(function, types.FunctionType) or "torch.testing" not in (function.__module__ or ""):
        return None
    names, code = {**function.__globals__, "torch": minidl}, function.__code__
    return types.FunctionType(code, names, function.__name__, function.__defaults__, function.__closure__)


def for_minidl(op: Any) -> Any:
    """Return minidl's function for an entry of PyTorch's table; a wrapper written there runs with minidl as torch."""
    return in_minidl(op.op) or attribute(minidl, op.name) or attribute(minidl.Tensor, op.name)


def keyword_names(name: str, function: Any) -> list[list[str]]:
    """Return the names of PyTorch's arguments, in order, for each form of a function."""
    if isinstance(function, types.FunctionType):
        if "torch.testing" in (function.__module__ or ""):
            return []
        return [list(inspect.signature(function).parameters)]
    try:
        schemas = torch._C._jit_get_schemas_for_operator(f"aten::{name.removeprefix('linalg.')}")
        schemas = schemas or torch._C._jit_get_schemas_for_operator(f"aten::{name.replace('.', '_')}")
    except RuntimeError:
        return []
    return [
        ["input" if a.name == "self" else a.name for a in schema.arguments if not a.is_out]
        for schema in schemas
        if "out" not in schema.overload_name.split("_")
        and "Dimname" not in str(schema)
        and schema.arguments[0].name != "a"  # a form for Python numbers alone
    ]


# -- samples ---------------------------------------------------------------------------------------------------------


def samples(op: Any, dtype: Any, limit: int) -> Iterator[Any]:
    """Yield PyTorch's samples of an operation: its plain ones, then its reference ones, then some non-contiguous."""
    floating = dtype.is_floating_point
    if dtype not in op.dtypes:
        if floating:
            return
        plain = itertools.islice(op.sample_inputs("cpu", torch.float64), 4)
        for sample in plain:
            yield sample.transform(
                lambda x: x.to(dtype) if isinstance(x, torch.Tensor) and x.is_floating_point() else x
            )
        return
    grad = floating and op.supports_autograd
    plain = list(itertools.islice(op.sample_inputs("cpu", dtype, requires_grad=grad), limit))
    yield from plain
    try:
        for sample in itertools.islice(op.reference_inputs("cpu", dtype), limit):
            if not any(x.numel() > 20000 for x in tensors_in([sample.input, sample.args, sample.kwargs])):
                yield sample
    except (ValueError, RuntimeError, TypeError, NotImplementedError):
        pass
    for sample in plain[:: max(1, len(plain) // 20)]:
        try:
            yield sample.noncontiguous()
        except (RuntimeError, ValueError):
            continue


ODD = (
    None, "odd", -100, 100, -1, 0, 1, 2.5, True, (), (0,), (5, 5), (0, 0), [1.5], float("nan"),
    torch.ones(2, 3, dtype=torch.float64), torch.ones(0, dtype=torch.float64), torch.tensor(1), torch.tensor([True]),
)  # fmt: skip


def mutated(sample: Any) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Yield the calls in which one argument is replaced by something odd, left out, or too much."""
    args = [sample.input, *sample.args]
    for odd in ODD:
        for i in range(len(args)):
            yield [*args[:i], odd, *args[i + 1 :]], sample.kwargs
        for key in sample.kwargs:
            yield args, {**sample.kwargs, key: odd}
    yield args[:-1], sample.kwargs
    yield [*args, 1, 1, 1, 1, 1, 1, 1], sample.kwargs
    yield args, {**sample.kwargs, "odd": 1}


def calls(op: Any, limit: int, mutate: bool) -> Iterator[tuple[str, Any, Any, Any, Any, bool]]:
    """Yield what is to be tried: a word on it, PyTorch's function and ours, the arguments, whether second gradients."""
    mine, name = for_minidl(op), op.name.rpartition(".")[2]
    method = getattr(minidl.Tensor, name, None) if op.method_variant is not None else None
    theirs_method = getattr(torch.Tensor, name, None)
    forms = keyword_names(op.name, op.op)
    for dtype in DTYPES:
        second = dtype == torch.float64 and op.supports_gradgrad
        for number, sample in enumerate(samples(op, dtype, limit)):
            args, kwargs = [sample.input, *sample.args], dict(sample.kwargs)
            word = f"{str(dtype).removeprefix('torch.')} {number}"
            yield f"{word}", op.op, mine, args, kwargs, second
            of_tensor = isinstance(sample.input, torch.Tensor)
            if theirs_method is not None and op.method_variant is not None and of_tensor and number % 3 == 0:
                ours = method or missing(f"Tensor.{name}")
                yield f"{word} as method", op.method_variant, ours, args, kwargs, False
            if op.inplace_variant is not None and of_tensor and number % 2 == 0:
                ours = getattr(minidl.Tensor, f"{name}_", None) or in_minidl(op.inplace_variant)
                ours = ours or missing(f"Tensor.{name}_")
                yield f"{word} in place", on_copy(op.inplace_variant), on_copy(ours), args, kwargs, second
            for names in forms if number < 12 else []:
                if len(names) >= len(args) and not set(names[: len(args)]) & set(kwargs):
                    by_name = dict(zip(names, args, strict=False))
                    yield f"{word} by keywords {names[: len(args)]}", op.op, mine, [], {**by_name, **kwargs}, False
            if mutate and dtype == torch.float64 and number < 6:
                for odd_args, odd_kwargs in mutated(sample):
                    yield f"{word} mutated", op.op, mine, odd_args, odd_kwargs, False


def missing(name: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{name} is missing")

    return call


def on_copy(method: Any) -> Any:
    """Return an in-place method that works on a copy of its first argument, a leaf."""

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return method(x.clone(), *args, **kwargs)

    return call


def shown(x: Any) -> str:
    if isinstance(x, torch.Tensor):
        values = x.detach().flatten()[:4].tolist()
        return f"<{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)} {values}>"
    if isinstance(x, (tuple, list)) and not isinstance(x, torch.Size):
        return f"({', '.join(map(shown, x))})"
    return ", ".join(f"{k}={shown(v)}" for k, v in x.items()) if isinstance(x, dict) else repr(x)


class Tally:
    """What came of the calls of one name."""

    def __init__(self) -> None:
        self.counts = {"agrees": 0, "refused": 0, "left out": 0, "differs": 0}
        self.differences: list[str] = []

    def run(self, about: str, arguments: str, attempt: Callable[[], str]) -> None:
        try:
            self.counts[attempt()] += 1
        except (Difference, RuntimeWarning) as difference:
            self.counts["differs"] += 1
            self.differences.append(f"{about}: {difference}\n        {arguments[:300]}")

    def __str__(self) -> str:
        return ", ".join(f"{n} {word}" for word, n in self.counts.items() if n)


def try_operation(name: str, limit: int, mutate: bool) -> Tally:
    tally = Tally()
    for op in (entry for entry in op_db if entry.name == name):
        values = not any(word in name for word in RANDOM)
        variant = f"{op.variant_test_name} " if op.variant_test_name else ""
        for word, theirs, mine, args, kwargs, second in calls(op, limit, mutate):
            unchanged = "place" not in word and name not in CHANGING
            chances = [kwargs.get("dropout_p"), *(args[10:11] if name.endswith("attention_forward") else ())]
            drops = any(isinstance(p, float) and p > 0 for p in chances)
            tally.run(
                variant + word, f"{shown(args)} {shown(kwargs)}",
                lambda: both(
                    theirs, mine, args, kwargs, second=second, values=values and not drops, unchanged=unchanged,  # noqa: B023
                    by_name="keywords" in word,  # noqa: B023
                    ties=name in TIES and "float" not in word,  # noqa: B023
                ),
            )  # fmt: skip
        try:
            wrong = list(op.error_inputs("cpu")) if op.error_inputs_func else []
        except Exception:
            wrong = []
        for error in wrong:
            sample = error.sample_input
            args, kwargs = [sample.input, *sample.args], sample.kwargs
            tally.run(
                variant + "wrong call", f"{shown(args)} {shown(kwargs)}",
                lambda: both(op.op, for_minidl(op), args, kwargs, second=False, values=values),  # noqa: B023
            )  # fmt: skip
    return tally


# -- modules ---------------------------------------------------------------------------------------------------------


def try_module(name: str) -> Tally:
    tally = Tally()
    for entry in (m for m in module_db if m.name == name):
        for dtype, training in itertools.product((torch.float64, torch.float32), (True, False)):
            inputs = entry.module_inputs_func(entry, device="cpu", dtype=dtype, requires_grad=True, training=training)
            for number, one in enumerate(inputs):
                if one.forward_input is None:
                    continue
                word = f"{dtype} {'train' if training else 'eval'} {number} {one.desc}"
                parts = [one.constructor_input.args, one.constructor_input.kwargs, one.forward_input.args]
                tally.run(
                    word, " ".join(map(shown, [*parts, one.forward_input.kwargs])),
                    lambda: both_modules(entry.module_cls, name, one, dtype, training),  # noqa: B023
                )  # fmt: skip
    return tally


def both_modules(cls: Any, name: str, one: Any, dtype: Any, training: bool) -> str:
    """Make the same module in both libraries, with PyTorch's weights, and compare all that can be seen of it."""
    if one.constructor_input.kwargs.get("proj_size"):
        return "left out"
    try:
        args, kwargs = twin(one.constructor_input.args), twin(one.constructor_input.kwargs)
        inputs, named = twin(one.forward_input.args), twin(one.forward_input.kwargs)
    except LeftOut:
        return "left out"
    t_args, t_kwargs = fresh(one.constructor_input.args), fresh(one.constructor_input.kwargs)
    theirs = cls(*t_args, **t_kwargs).to(dtype).train(training)
    mine_class = attribute(minidl, name)
    try:
        mine = mine_class(*args, **kwargs).to(NUMPY[dtype]).train(training)
        if repr(mine) != repr(theirs):
            raise Difference(f"repr {mine!r}, expected {theirs!r}")
        state, expected_state = mine.state_dict(), theirs.state_dict()
        if list(state) != list(expected_state):
            raise Difference(f"state_dict {list(state)}, expected {list(expected_state)}")
        for key, value in expected_state.items():
            compare(state[key], value, key, values=False)
            if value.numel() > 1 and bool((value == value.flatten()[0]).all()):
                compare(state[key], value, key)  # initialised to one number
        mine.load_state_dict({key: twin(value) for key, value in expected_state.items()})
        random = training and any(word in name for word in ("Dropout", "RReLU", "Transformer"))
        f_args, f_kwargs = fresh(one.forward_input.args), fresh(one.forward_input.kwargs)
        expected = theirs(*f_args, **f_kwargs)
        found = mine(*inputs, **named)
        if any(not isinstance(x, (torch.Tensor, tuple, list)) for x in [expected]):
            return "agrees"
        compare(found, expected, "result", not random)
        if random:
            return "agrees"
        leaves = [x for x in tensors_in([f_args, f_kwargs]) if x.requires_grad] + list(theirs.parameters())
        my_leaves = [x for x in tensors_in([inputs, named]) if x.requires_grad] + list(mine.parameters())
        answer = gradients(torch, expected, leaves, False)
        if answer is not None:
            compare_all(gradients(minidl, found, my_leaves, False)[0], answer[0], "gradient", my_leaves, 10.0)
        for (key, value), (_, other) in zip(theirs.named_buffers(), mine.named_buffers(), strict=True):
            compare(other, value, f"buffer {key}")
    except Difference:
        raise
    except Exception as error:
        raise Difference(f"raised {words(error)}") from error
    return "agrees"


# -- all of it -------------------------------------------------------------------------------------------------------


def names_of_both() -> tuple[list[str], list[str]]:
    """Return the operations and modules of PyTorch's tables that minidl has too."""
    operations = dict.fromkeys(op.name for op in op_db)
    ours = [n for n in operations if attribute(minidl, n) is not None or hasattr(minidl.Tensor, n)]
    modules = dict.fromkeys(m.name for m in module_db)
    return ours, [n for n in modules if attribute(minidl, n) is not None]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="as PyTorch's tables have them: add, nn.functional.pad, nn.Linear")
    parser.add_argument("--limit", type=int, default=100, help="samples of each kind and dtype (default 100)")
    parser.add_argument("--show", type=int, default=5, help="differences shown of each name (default 5)")
    parser.add_argument("--mutate", action="store_true", help="also calls with one argument replaced by something odd")
    options = parser.parse_intermixed_args()
    warnings.simplefilter("ignore")
    operations, modules = names_of_both()
    known = {op.name for op in op_db} | {m.name for m in module_db}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"PyTorch's tables do not have {unknown}", file=sys.stderr)
    total = 0
    for name in options.names or [*operations, *modules]:
        torch.manual_seed(0)
        is_module = any(m.name == name for m in module_db)
        tally = try_module(name) if is_module else try_operation(name, options.limit, options.mutate)
        total += tally.counts["differs"]
        print(f"{name:40} {tally}", flush=True)
        seen: set[str] = set()
        for difference in tally.differences:
            kind = difference.partition(": ")[2][:60]
            if kind not in seen and len(seen) < options.show:
                seen.add(kind)
                print(f"    {difference}")
    print(f"{total} differences")
    return min(total, 1)


if __name__ == "__main__":
    sys.exit(main())
