"""What the kernels share: the choice of instruction set, the pool of threads, scratch memory, and the product.

C sources: kernels/core/. Other extensions reach all of it through minidl/_kernels/core.pxd, so that a process has one
pool, whatever is loaded. The product as a kernel with a twin is kernels/product.pyx.
"""

import os

from cpython.buffer cimport (
    Py_buffer, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.string cimport memset

cdef extern from "core/cpu.h":
    enum:
        INSTRUCTION_SETS
    const char *const instruction_set_names[]
    int instruction_set
    int best_instruction_set()
    bint can_use(int set)

cdef extern from "core/heap.h":
    void keep_freed_memory()

cdef extern from "core/pool.h":
    void pool_set_threads(int threads)
    int pool_threads()

cdef extern from "core/product.h":
    void c_product "product"(const Product *p) nogil

cdef extern from "core/scratch.h":
    void *c_scratch "scratch"(int slot, size_t size) nogil

cdef extern from "core/core.h":
    const Core *core_functions()


_NAMES = ("y", "a", "b", "bias")


def isa():
    """Return the instruction set in use: "avx512", "avx2", "neon" or "baseline".

    It is the best that the processor has, or what the environment variable MINIDL_ISA says.
    """
    return instruction_set_names[instruction_set].decode()


def get_num_threads():
    """Return how many threads work together on a large kernel."""
    return pool_threads()


def set_num_threads(int threads):
    """Let so many threads work together, the caller among them."""
    pool_set_threads(threads)


def scratch_address(int slot, size_t size):
    """Return where this thread's scratch memory lies, for tests."""
    return <size_t> c_scratch(slot, size)


# A product of fewer multiplications is done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 50_000


cdef int multiply(a, b, bias, y, bint relu, bint accumulate) except -1:
    cdef Product p
    cdef Py_buffer views[4]
    cdef int held = 0
    memset(&p, 0, sizeof(p))
    try:
        PyObject_GetBuffer(y, &views[0], PyBUF_WRITABLE | PyBUF_STRIDES | PyBUF_FORMAT)
        held = 1
        PyObject_GetBuffer(a, &views[1], PyBUF_STRIDES | PyBUF_FORMAT)
        held = 2
        PyObject_GetBuffer(b, &views[2], PyBUF_STRIDES | PyBUF_FORMAT)
        held = 3
        if bias is not None:
            PyObject_GetBuffer(bias, &views[3], PyBUF_STRIDES | PyBUF_FORMAT)
            held = 4
        _describe(&p, views, held)
        p.relu = relu
        p.accumulate = accumulate
        if p.batch * p.m * p.n * p.k < SMALL:
            c_product(&p)
        else:
            with nogil:
                c_product(&p)
    finally:
        while held > 0:
            held -= 1
            PyBuffer_Release(&views[held])
    return 0


cdef float ONE = 1
cdef double DOUBLE_ONE = 1


cdef int column_sums(x, y) except -1:
    """y[j] = sum_i x[i,j]: the product of a row of ones, which is one number at every step, and x."""
    cdef Product p
    cdef Py_buffer into, columns
    memset(&p, 0, sizeof(p))
    PyObject_GetBuffer(y, &into, PyBUF_WRITABLE | PyBUF_STRIDES)
    try:
        PyObject_GetBuffer(x, &columns, PyBUF_STRIDES)
        p.batch, p.m, p.n, p.k = 1, 1, columns.shape[1], columns.shape[0]
        p.is_double = columns.itemsize == 8
        p.a = <const void *> &DOUBLE_ONE if p.is_double else <const void *> &ONE
        p.a_transposed = True
        p.b, p.b_row, p.y = columns.buf, columns.strides[0] // columns.itemsize, into.buf
        c_product(&p)
        PyBuffer_Release(&columns)
    finally:
        PyBuffer_Release(&into)
    return 0


cdef int _describe(Product *p, Py_buffer *views, int count) except -1:
    """Fill in p from the buffers of y, a, b and perhaps bias, or say what is wrong with them."""
    cdef Py_buffer *y = &views[0]
    cdef Py_buffer *a = &views[1]
    cdef Py_buffer *b = &views[2]
    cdef int i, first = y.ndim - 2
    for i in range(count):
        if views[i].format[0] != y.format[0] or views[i].format[1] != 0 or views[i].format[0] not in b"fd":
            raise TypeError(f"a product takes arrays of one type, float32 or float64; {_NAMES[i]} is not")
        if <size_t> views[i].buf % views[i].itemsize:
            raise ValueError(f"{_NAMES[i]} does not lie at a multiple of its item size")
    if first not in (0, 1) or a.ndim != y.ndim or b.ndim != y.ndim:
        raise ValueError(f"y, a and b have {y.ndim}, {a.ndim} and {b.ndim} dimensions: expected 2 each, or 3 each")
    p.is_double = y.itemsize == 8
    p.m, p.k, p.n = a.shape[first], a.shape[first + 1], b.shape[first + 1]
    p.batch = y.shape[0] if first else 1
    if (
        b.shape[first] != p.k or y.shape[first] != p.m or y.shape[first + 1] != p.n
        or (first and (a.shape[0] != p.batch or b.shape[0] != p.batch))
    ):
        raise ValueError(f"shapes do not fit: y {_shape(y)} = a {_shape(a)} times b {_shape(b)}")
    p.a, p.b, p.y = a.buf, b.buf, y.buf
    p.a_transposed = _columns_contiguous(a, first, &p.a_row, 1)
    p.b_transposed = _columns_contiguous(b, first, &p.b_row, 2)
    if _columns_contiguous(y, first, &p.y_row, 0):
        raise ValueError("the rows of y are not contiguous")
    if first:
        p.a_batch = a.strides[0] // a.itemsize
        p.b_batch = b.strides[0] // b.itemsize
        p.y_batch = y.strides[0] // y.itemsize
    if count == 4:
        if views[3].ndim != 1 or views[3].shape[0] != p.n or (p.n > 1 and views[3].strides[0] != y.itemsize):
            raise ValueError(f"bias has the shape {_shape(&views[3])}: expected ({p.n},), contiguous")
        p.bias = views[3].buf
    return 0


cdef int _columns_contiguous(Py_buffer *view, int first, ptrdiff_t *stride, int which) except -1:
    """Return 0 if the rows of a matrix are contiguous, 1 if the columns are; and how far apart they are."""
    cdef Py_ssize_t down = view.strides[first], along = view.strides[first + 1]
    if (along == view.itemsize or view.shape[first + 1] <= 1) and down % view.itemsize == 0:
        stride[0] = down // view.itemsize
        return 0
    if (down == view.itemsize or view.shape[first] <= 1) and along % view.itemsize == 0:
        stride[0] = along // view.itemsize
        return 1
    raise ValueError(f"neither the rows nor the columns of {_NAMES[which]} are contiguous")


cdef _shape(Py_buffer *view):
    return tuple([view.shape[i] for i in range(view.ndim)])


cdef const Core *core() noexcept:
    return core_functions()


def _choose_instruction_set(wanted):
    global instruction_set
    cdef int candidate
    if not wanted:
        instruction_set = best_instruction_set()
        return
    usable = [instruction_set_names[c].decode() for c in range(INSTRUCTION_SETS) if can_use(c)]
    if wanted not in usable:
        raise ValueError(f"environment variable MINIDL_ISA: this machine can use {', '.join(usable)}, not {wanted!r}")
    for candidate in range(INSTRUCTION_SETS):
        if instruction_set_names[candidate].decode() == wanted:
            instruction_set = candidate


def _choose_threads(environment):
    """MINIDL_NUM_THREADS, then OMP_NUM_THREADS (whose other forms, such as "4,2", are not for us), then every core."""
    wanted = environment.get("MINIDL_NUM_THREADS")
    if wanted:
        if not wanted.isdecimal() or int(wanted) < 1:
            raise ValueError(f"environment variable MINIDL_NUM_THREADS: expected 1, 2, 3, ..., not {wanted!r}")
    else:
        wanted = environment.get("OMP_NUM_THREADS", "")
        if not wanted.isdecimal() or int(wanted) < 1:
            wanted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pool_set_threads(min(int(wanted), 1024))


keep_freed_memory()
_choose_instruction_set(os.environ.get("MINIDL_ISA"))
_choose_threads(os.environ)
