"""The product: every tail of every form on every instruction set, layouts, values, threads, fork.

The table of tests/test_kernels.py compares its three levels; here the compiled one is taken apart. What depends on the
instruction set runs in a fresh Python for each that this machine has (MINIDL_ISA is read once).
"""

from __future__ import annotations

import itertools
import os
import platform
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import _kernels as kernels

pytestmark = pytest.mark.skipif(not kernels.compiled, reason="the kernels are not compiled here")

if kernels.compiled:
    from minidl._kernels.product import product_forward

    from minidl._kernels import core

TOLERANCE = {"f": 1e-5, "d": 1e-12}
FORMS = ["nn", "nt", "tn", "tt"]


def operands(form: str, m: int, k: int, n: int, dtype: Any, batch: tuple[int, ...] = (), seed: int = 0) -> Any:
    """Return read-only a (m, k) and b (k, n), each stored transposed where the form says t."""
    generator = np.random.default_rng(seed)
    both = []
    for stored, (rows, columns) in zip(form, [(m, k), (k, n)], strict=True):
        shape = (*batch, rows, columns) if stored == "n" else (*batch, columns, rows)
        x = generator.standard_normal(shape).astype(dtype)
        x.flags.writeable = False
        both.append(x if stored == "n" else x.swapaxes(-1, -2))
    return both


def exact(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.matmul(a.astype(np.float64), b.astype(np.float64))


def assert_product(form: str, m: int, k: int, n: int, dtype: Any, ended: bool) -> None:
    """Compare one product inside a larger y, whose other columns have to stay, with or without bias, sum and relu."""
    a, b = operands(form, m, k, n, dtype)
    bias = np.linspace(-1, 1, n).astype(dtype) if ended else None
    whole = np.full((m, n + 3), 0.5, dtype)
    if not ended:
        whole[:, :n] = np.nan
    expected = exact(a, b)
    if ended:
        expected = np.maximum(expected + 0.5 + bias, 0)
    product_forward(a, b, bias, whole[:, :n], ended, ended)
    tolerance = TOLERANCE[dtype] * max(k, 1) ** 0.5
    np.testing.assert_allclose(
        whole[:, :n], expected, rtol=tolerance, atol=tolerance, err_msg=f"{form} {m}x{k}x{n} {dtype} {ended}"
    )
    np.testing.assert_array_equal(whole[:, n:], 0.5)


def edges() -> Iterator[tuple[int, int, int]]:
    """Sizes on both sides of every tile, vector and block."""
    rows = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17]
    columns = [0, 1, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]
    depths = [0, 1, 7, 16, 33]
    yield from itertools.product(rows, columns, depths)
    yield from [(1, 129, 65), (3, 67, 130), (4, 33, 200), (7, 5, 300), (24, 9, 800), (25, 9, 800)]  # dot products
    yield from [(70, 65, 513), (66, 33, 1030), (513, 40, 130), (600, 65, 20)]  # packed panels, blocks of k, chunks


def check_edges() -> None:
    for m, n, k in edges():
        for form, dtype, ended in itertools.product(FORMS, "fd", [False, True]):
            assert_product(form, m, k, n, dtype, ended)


def check_values() -> None:
    """NaN and infinity reach what NumPy lets them reach: no factor is passed over because the other one is 0."""
    for form, dtype, bad in itertools.product(FORMS, "fd", [np.nan, np.inf, -np.inf]):
        for m, k, n in [(1, 40, 5), (3, 100, 33), (9, 20, 17), (70, 70, 35)]:
            for spoilt in (0, 1):
                a, b = (x.copy(order="K") for x in operands(form, m, k, n, dtype))
                (a, b)[spoilt][-1, -1] = bad
                (b, a)[spoilt][...] = np.round((b, a)[spoilt])  # some zeros: 0 · inf is NaN
                y = np.empty((m, n), dtype)
                product_forward(a, b, None, y, False, False)
                expected = exact(a, b)
                np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))
                infinite = np.isinf(expected)
                np.testing.assert_array_equal(y[infinite], expected[infinite])
                assert np.isfinite(y[np.isfinite(expected)]).all()
                with np.errstate(invalid="ignore"):
                    kept = np.maximum(y, 0)
                product_forward(a, b, None, y, True, False)
                np.testing.assert_array_equal(y, kept)


def check_threads() -> None:
    """The same bits from 1, 2, 3 and 16 threads."""
    tiled = [("nn", 300, 130, 257), ("nt", 520, 784, 130), ("tn", 128, 512, 300), ("tt", 90, 700, 90)]
    for (form, m, k, n), dtype in itertools.product([*tiled, ("nt", 20, 3000, 90)], "fd"):
        a, b = operands(form, m, k, n, dtype)
        results = []
        for threads in (1, 2, 3, 16, 1):
            core.set_num_threads(threads)
            y = np.empty((m, n), dtype)
            product_forward(a, b, None, y, False, False)
            results.append(y)
        for y in results:
            np.testing.assert_array_equal(y, results[0])
    core.set_num_threads(1)


def available() -> list[str]:
    """Return the instruction sets of this machine, from the message that refuses an unknown one."""
    done = python("from minidl._kernels import core", MINIDL_ISA="abacus")
    match = re.search("environment variable MINIDL_ISA: this machine can use (.*), not 'abacus'", done.stderr)
    assert match, done.stderr
    return match[1].split(", ")


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh Python that finds what this one finds."""
    inherited = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    inherited |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def threads() -> Iterator[None]:
    before = core.get_num_threads()
    yield
    core.set_num_threads(before)


# -- instruction sets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", ["edges", "values", "threads"])
@pytest.mark.parametrize("isa", ["avx512", "avx2", "neon", "baseline"])
def test_every_instruction_set(isa: str, check: str) -> None:
    if isa not in available():
        pytest.skip(f"this machine has no {isa}")
    code = f"import {__name__} as t; assert t.core.isa() == {isa!r}; t.check_{check}()"
    done = python(code, MINIDL_ISA=isa)
    assert done.returncode == 0, done.stderr


def test_the_best_instruction_set_is_the_default() -> None:
    sets = available()
    assert "baseline" in sets
    done = python("from minidl._kernels import core; print(core.isa())", MINIDL_ISA="")
    best = next(name for name in ("avx512", "avx2", "neon", "baseline") if name in sets)
    assert done.stdout.split() == [best]


# -- layouts and refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("form", FORMS)
def test_batches(form: str, dtype: str) -> None:
    for batch, m, k, n in [(0, 2, 3, 4), (1, 2, 3, 4), (5, 7, 33, 18), (3, 1, 64, 9), (2, 0, 2, 3), (40, 65, 40, 70)]:
        a, b = operands(form, m, k, n, dtype, (batch,))
        y = np.full((batch, m, n), np.nan, dtype)
        product_forward(a, b, None, y, False, False)
        tolerance = 10 * TOLERANCE[dtype]
        np.testing.assert_allclose(y, exact(a, b), rtol=tolerance, atol=tolerance)


def test_a_matrix_may_stand_for_a_batch_of_them() -> None:
    a, b = operands("nn", 3, 4, 5, "d", (6,))
    b = np.broadcast_to(b[0], b.shape)
    y = np.empty((6, 3, 5))
    product_forward(a, b, None, y, False, False)
    np.testing.assert_allclose(y, a @ b[0], rtol=1e-13)


def test_leading_dimensions() -> None:
    whole = np.random.default_rng(0).standard_normal((40, 50))
    for a, b in [
        (whole[3:9, 5:20], whole[:15, 7:48]),
        (whole[::2, :8], whole[8:16, ::1]),
        (whole[::-1, :8], whole.T[3:11, :33]),
        (whole[:8, 3:20].T, whole[9:17]),
        (whole[:1].T, whole[:1]),
        (whole[:, :1], whole[:1, :7]),
        (whole[:1, :40], whole[:, :1]),
        (whole[:, 3:4].T, whole),
    ]:
        y = np.full((a.shape[0], b.shape[1] + 1), np.nan)
        product_forward(a, b, None, y[:, 1:], False, False)
        np.testing.assert_allclose(y[:, 1:], a @ b, rtol=1e-12, atol=1e-12)
        assert np.isnan(y[:, 0]).all()


def test_what_does_not_fit_is_refused_by_name() -> None:
    a, b, y = np.ones((2, 3)), np.ones((3, 4)), np.zeros((2, 4))

    def refused(error: type[Exception], words: str, *arguments: Any) -> None:
        with pytest.raises(error, match=words):
            product_forward(*arguments, False, False)

    refused(ValueError, r"y \(2, 4\) = a \(2, 3\) times b \(2, 4\)", a, b[:2], None, y)
    refused(ValueError, "shapes do not fit", a, b, None, y.T)
    refused(ValueError, "shapes do not fit", a[None], b[None], None, np.zeros((2, 2, 4)))
    refused(ValueError, "1, 2 and 2 dimensions", a, b, None, np.zeros(4))
    refused(ValueError, "2, 2 and 1 dimensions", a, b[0], None, y)
    refused(TypeError, "a is not", a.astype("f"), b, None, y)
    refused(TypeError, "b is not", a, b.astype(np.int64), None, y)
    refused(TypeError, "y is not", a.astype(int), b.astype(int), None, y.astype(int))
    refused(TypeError, "bias is not", a, b, np.zeros(4, "f"), y)
    refused(TypeError, "b is not", a, b.astype(b.dtype.newbyteorder()), None, y)
    refused(ValueError, r"bias has the shape \(3,\): expected \(4,\)", a, b, np.zeros(3), y)
    refused(ValueError, "bias has the shape", a, b, np.zeros(8)[::2], y)
    refused(ValueError, "neither the rows nor the columns of a", np.ones((4, 6))[::2, ::2], b, None, y)
    refused(ValueError, "neither the rows nor the columns of b", a, np.ones((3, 8))[:, ::2][:, :4], None, y)
    refused(ValueError, "the rows of y are not contiguous", a, b, None, np.zeros((4, 2)).T)
    refused(ValueError, "multiple of its item size", memoryview(bytes(56))[1:49].cast("d", [2, 3]), b, None, y)
    refused((ValueError, BufferError), "read-only", a, b, None, np.broadcast_to(0.0, (2, 4)))
    refused(TypeError, "bytes-like", [[1.0, 2.0, 3.0]], b, None, y)
    np.testing.assert_array_equal(y, 0)


# -- threads ---------------------------------------------------------------------------------------------------------

LARGE = ("nt", 256, 300, 200)


def test_the_number_of_threads(threads: None) -> None:
    minidl.set_num_threads(3)
    assert core.get_num_threads() == minidl.get_num_threads() == 3
    for wrong in (0, -2, 1.5, "2"):
        with pytest.raises(ValueError, match="expected a whole number above 0"):
            minidl.set_num_threads(wrong)
    assert minidl.get_num_threads() == 3


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"MINIDL_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, "3"),
        ({"OMP_NUM_THREADS": "2"}, "2"),
        ({"OMP_NUM_THREADS": "4,2"}, "default"),
        ({}, "default"),
    ],
)
def test_the_environment_chooses_the_number_of_threads(environment: dict[str, str], expected: str) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    done = python("from minidl._kernels import core; print(core.get_num_threads())", **environment)
    assert done.stdout.split() == [str(cores) if expected == "default" else expected], done.stderr


@pytest.mark.parametrize("wanted", ["0", "-1", "many", "1.5"])
def test_a_wrong_number_in_the_environment_is_refused(wanted: str) -> None:
    done = python("from minidl._kernels import core", MINIDL_NUM_THREADS=wanted)
    assert f"ValueError: environment variable MINIDL_NUM_THREADS: expected 1, 2, 3, ..., not '{wanted}'" in done.stderr


def test_several_python_threads_at_once(threads: None) -> None:
    core.set_num_threads(2)
    failures: list[str] = []

    def compute(seed: int) -> None:
        a, b = operands(*LARGE, "f", seed=seed)
        expected = np.matmul(a, b)
        y = np.empty_like(expected)
        for _ in range(30):
            y.fill(np.nan)
            product_forward(a, b, None, y, False, False)
            if not np.allclose(y, expected, rtol=1e-4, atol=1e-4):
                failures.append(f"thread {seed}")

    workers = [threading.Thread(target=compute, args=(seed,)) for seed in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


def test_the_number_of_threads_may_change_at_any_time(threads: None) -> None:
    a, b = operands(*LARGE, "f")
    y, expected = np.empty((LARGE[1], LARGE[3]), "f"), np.matmul(a, b)
    for count in [2, 5, 1, 3, 2, 16, 4, 1] * 5:
        core.set_num_threads(count)
        y.fill(np.nan)
        product_forward(a, b, None, y, False, False)
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_computes_with_threads_of_its_own() -> None:
    code = """
import os, numpy as np
from minidl._kernels import core
from minidl._kernels.product import product_forward
core.set_num_threads(4)
a, b = np.ones((256, 300), "f"), np.ones((300, 200), "f")
def compute():
    y = np.empty((256, 200), "f")
    product_forward(a, b, None, y, False, False)
    assert (y == 300).all()
    with open("/proc/self/status") if os.path.exists("/proc/self/status") else open(os.devnull) as file:
        return [line for line in file if line.startswith("Threads")]
before = compute()
children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        os._exit(0 if compute() == before and compute() == before else 1)
    children.append(child)
    compute()
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
assert compute() == before
"""
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_idle_threads_use_no_cpu() -> None:
    code = """
import time, numpy as np
from minidl._kernels import core
from minidl._kernels.product import product_forward
core.set_num_threads(8)
a = np.ones((300, 300), "f")
product_forward(a, a, None, np.empty_like(a), False, False)
time.sleep(0.05)
before = time.process_time()
time.sleep(0.5)
print(time.process_time() - before)
"""
    done = python(code)
    assert float(done.stdout) < 0.02, done.stderr


# -- scratch ---------------------------------------------------------------------------------------------------------


def test_a_thread_keeps_its_scratch_memory() -> None:
    small = core.scratch_address(0, 100)
    assert core.scratch_address(0, 50) == core.scratch_address(0, 100) == small
    large = core.scratch_address(0, 1 << 20)
    assert core.scratch_address(0, 10) == large
    assert core.scratch_address(1, 100) != large
    assert small % 64 == large % 64 == core.scratch_address(1, 100) % 64 == 0
    others: list[int] = []
    worker = threading.Thread(target=lambda: others.append(core.scratch_address(0, 100)))
    worker.start()
    worker.join()
    assert others != [large]


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or "LD_PRELOAD" in os.environ,
    reason="other allocators, a sanitizer's too, keep memory by rules of their own",
)
def test_memory_of_arrays_that_are_gone_serves_the_next_ones() -> None:
    code = """
import resource
import numpy as np
from minidl._kernels import core

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [np.ones(300_000) for _ in range(16)]  # 38 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
"""
    assert int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout) < 100
