"""y[n,c,i,j] = sum_{h in rows i, v in columns j} x[n,c,h,v] / (divisor i divisor j): the mean of each window.

C files: kernels/avg_pool2d/
Twin: minidl/reference/avg_pool2d.py

The windows are given by their bounds, so that one kernel serves a stride with padding and the uneven windows of
adaptive pooling; what a padded or cut window is divided by stands beside its bounds, in two factors.
"""

from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)

from minidl._kernels.core cimport Core, core

cdef extern from "avg_pool2d/avg_pool2d.h":
    ctypedef struct Bounds "struct bounds":
        pass
    ctypedef struct AvgPool "struct avg_pool":
        ptrdiff_t planes, h, w, oh, ow
        const Bounds *rows
        const Bounds *columns
        bint is_double
    bint avg_pool(const Core *core, const AvgPool *p, const void *x, void *y) nogil
    bint avg_pool_dx(const Core *core, const AvgPool *p, const void *dy, void *dx) nogil

# A smaller image is done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 20_000


def avg_pool2d_forward(x, rows, columns, y):
    """y[n,c,i,j] = sum of x[n,c, rows[i,0]:rows[i,1], columns[j,0]:columns[j,1]] / (rows[i,2] columns[j,2])

    x        IN   (N, C, H, W)
    rows     IN   (OH, 3), int64: first row, row after the last, divisor
    columns  IN   (OW, 3), int64: likewise
    y        OUT  (N, C, OH, OW)

    Source: LeCun et al., Gradient-based learning applied to document recognition (1998), section II.
    Twin: minidl/reference/avg_pool2d.py
    """
    _run(x, y, rows, columns, False)


def avg_pool2d_dx(g, rows, columns, dx):
    """dx[n,c,h,v] += g[n,c,i,j] / (rows[i,2] columns[j,2]) at every (h, v) of the window (i, j), from zero

    g              IN   (N, C, OH, OW), the cotangent of y
    rows, columns  IN   (OH, 3), (OW, 3), int64, as in avg_pool2d_forward
    dx             OUT  (N, C, H, W)

    The adjoint of avg_pool2d_forward, which is linear.
    Twin: minidl/reference/avg_pool2d.py
    """
    _run(dx, g, rows, columns, True)


cdef int _run(x, y, rows, columns, bint backward) except -1:
    """Fill y from x, or backward x from y."""
    cdef AvgPool p
    cdef Py_buffer views[4]
    cdef int held = 0
    cdef bint done
    cdef const Core *lent = core()
    try:
        for array in (x, y, rows, columns):
            PyObject_GetBuffer(array, &views[held], PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (
                PyBUF_WRITABLE if held == 1 - backward else 0
            ))
            held += 1
        _describe(&p, views)
        if p.planes * p.h * p.w < SMALL:
            done = _compute(lent, &p, views[0].buf, views[1].buf, backward)
        else:
            with nogil:
                done = _compute(lent, &p, views[0].buf, views[1].buf, backward)
        if not done:
            raise MemoryError("average pooling: no memory for a row")
    finally:
        while held > 0:
            held -= 1
            PyBuffer_Release(&views[held])
    return 0


cdef bint _compute(const Core *lent, const AvgPool *p, void *x, void *y, bint backward) noexcept nogil:
    return avg_pool_dx(lent, p, y, x) if backward else avg_pool(lent, p, x, y)


cdef int _describe(AvgPool *p, Py_buffer *views) except -1:
    """Fill in p from the buffers of x, y, rows and columns, or say what is wrong with them."""
    cdef Py_buffer *x = &views[0]
    cdef Py_buffer *y = &views[1]
    cdef int i
    if x.format[0] not in b"fd" or x.format[1] or y.format[0] != x.format[0] or y.format[1]:
        raise TypeError("average pooling: x and y are float32 or float64")
    if x.ndim != 4 or y.ndim != 4 or x.shape[0] != y.shape[0] or x.shape[1] != y.shape[1]:
        raise ValueError("average pooling: the shapes of x and y do not fit")
    p.planes = x.shape[0] * x.shape[1]
    p.h, p.w = x.shape[2], x.shape[3]
    p.oh, p.ow = y.shape[2], y.shape[3]
    p.rows, p.columns = <const Bounds *> views[2].buf, <const Bounds *> views[3].buf
    p.is_double = x.itemsize == 8
    for i in range(2):
        _check_bounds(&views[2 + i], y.shape[2 + i], x.shape[2 + i])
    return 0


cdef int _check_bounds(Py_buffer *windows, Py_ssize_t count, Py_ssize_t size) except -1:
    """See that so many windows lie in an image of this size."""
    cdef const long long *bound = <const long long *> windows.buf
    cdef Py_ssize_t i
    if windows.ndim != 2 or windows.itemsize != 8 or windows.shape[0] != count or windows.shape[1] != 3:
        raise ValueError("average pooling: the windows are (number of windows, 3), int64")
    for i in range(count):
        if bound[3 * i] < 0 or bound[3 * i] > bound[3 * i + 1] or bound[3 * i + 1] > size:
            raise ValueError("average pooling: a window lies outside the image")
    return 0
