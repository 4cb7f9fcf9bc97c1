# How rnn, lstm and gru hand their arrays to kernels/core/recurrence.c.
# Rows lie one step after the other: step t is the next batch_sizes[t] rows, which belong to the first sequences.

from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.mem cimport PyMem_Free, PyMem_Malloc

from minidl._kernels.core cimport Core, core

cdef extern from "core/recurrence.h":
    ctypedef struct Cell "struct cell":
        int gates
    ctypedef struct Recurrence "struct recurrence":
        const Cell *cell
        ptrdiff_t steps, sequences, inputs, units
        const ptrdiff_t *sizes
        bint reverse, is_double, relu
        const void *x
        const void *h0
        const void *c0
        const void *w_ih
        const void *w_hh
        const void *b_ih
        const void *b_hh
        void *y
        void *h_n
        void *c_n
        void *gates
        void *kept
        const void *g_y
        const void *g_h_n
        const void *g_c_n
        void *dx
        void *dh0
        void *dc0
        void *dw_ih
        void *dw_hh
        void *db_ih
        void *db_hh

cdef extern from "core/core.h":
    ctypedef struct Lent "struct core":
        bint (*forward_in_time)(const Recurrence *r) noexcept nogil
        bint (*backward_in_time)(const Recurrence *r) noexcept nogil


# A recurrence, and what has to be released after it.
cdef struct Call:
    Recurrence r
    ptrdiff_t rows
    Py_buffer views[20]
    int held


# A recurrence of fewer multiplications is done before another thread could take the GIL.
cdef enum:
    SMALL = 50_000


# The memory of a contiguous array (rows, columns), or (rows,) if columns is -1.
cdef inline void *take(Call *call, array, Py_ssize_t rows, Py_ssize_t columns, bint written) except? NULL:
    cdef Py_buffer *view = &call.views[call.held]
    PyObject_GetBuffer(array, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if written else 0))
    call.held += 1
    if view.format[0] not in b"fd" or view.format[1] or view.format[0] != call.views[0].format[0]:
        raise TypeError("a recurrence takes arrays of one type, float32 or float64")
    if view.ndim != (1 if columns < 0 else 2) or view.shape[0] != rows or (columns >= 0 and view.shape[1] != columns):
        raise ValueError(
            f"an array of a recurrence has the shape {tuple([view.shape[i] for i in range(view.ndim)])}: "
            f"expected ({rows}, {columns if columns >= 0 else ''})"
        )
    return view.buf


# NULL for None.
cdef inline void *take_any(Call *call, array, Py_ssize_t rows, Py_ssize_t columns, bint written) except? NULL:
    return NULL if array is None else take(call, array, rows, columns, written)


# What forward and backward have in common. The caller calls `end` whatever happens.
cdef inline int begin(
    Call *call, const Cell *cell, x, h0, w_ih, w_hh, batch_sizes, bint reverse
) except -1:
    cdef Recurrence *r = &call.r
    cdef ptrdiff_t *sizes
    cdef ptrdiff_t t
    r.cell, r.reverse = cell, reverse
    r.steps, r.sequences = len(batch_sizes), len(h0)
    r.inputs, r.units = w_ih.shape[1], w_hh.shape[1]
    sizes = <ptrdiff_t *> PyMem_Malloc((r.steps + 1) * sizeof(ptrdiff_t))
    if sizes == NULL:
        raise MemoryError("recurrence: no memory for the sizes of the steps")
    r.sizes = sizes
    for t in range(r.steps):
        sizes[t] = batch_sizes[t]
        call.rows += sizes[t]
        if sizes[t] < 0 or sizes[t] > (sizes[t - 1] if t > 0 else r.sequences):
            raise ValueError(f"batch_sizes fall, from at most {r.sequences} to at least 0; got {list(batch_sizes)}")
    r.x = take(call, x, call.rows, r.inputs, False)
    r.is_double = call.views[0].itemsize == 8
    r.h0 = take(call, h0, r.sequences, r.units, False)
    r.w_ih = take(call, w_ih, cell.gates * r.units, r.inputs, False)
    r.w_hh = take(call, w_hh, cell.gates * r.units, r.units, False)
    return 0


cdef inline int run(Call *call, bint forward) except -1:
    cdef const Lent *lent = <const Lent *> core()
    cdef const Recurrence *r = &call.r
    cdef bint done
    if call.rows * r.cell.gates * r.units * (r.inputs + r.units) < SMALL:
        done = lent.forward_in_time(r) if forward else lent.backward_in_time(r)
    else:
        with nogil:
            done = lent.forward_in_time(r) if forward else lent.backward_in_time(r)
    if not done:
        raise MemoryError("recurrence: no memory for the sums of all steps")
    return 0


cdef inline void end(Call *call) noexcept:
    while call.held > 0:
        call.held -= 1
        PyBuffer_Release(&call.views[call.held])
    PyMem_Free(<void *> call.r.sizes)
