"""y_i = e^(x_i - m) / sum_j e^(x_j - m), m = max x, and its logarithm, along one dimension.

C files: kernels/softmax/, of which softmax_unit.h has the formulas.
Twin: minidl/reference/softmax.py

a) A row is read from memory once: its maximum, its exponentials and their division find it in the cache.
b) Along another dimension than the last each lane has a sum of its own, and nothing is transposed.
c) No exponent is positive, so nothing overflows. What is below the normal numbers is exactly 0.
d) Backward needs y alone.

Forward and backward of 4096 x 768, ms: NumPy before | here | PyTorch 2.13 (float32, AVX-512 on a Zen 4, one thread,
CPU time, interleaved medians):

    softmax  10.6 | 3.6 | 4.2        log_softmax  12.0 | 3.8 | 4.8
"""

from minidl._kernels.core cimport Core, core

from arrays cimport Arrays, read, release, written

cdef extern from "softmax/softmax.h":
    ctypedef struct Softmax "struct softmax":
        ptrdiff_t outer, size, inner
        bint logarithm, is_double
    void c_forward "softmax_forward"(const Core *core, const Softmax *s, const void *x, void *y) nogil
    void c_backward "softmax_backward"(const Core *core, const Softmax *s, const void *g, const void *y, void *dx) nogil

# Fewer elements are done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 20_000


def softmax_forward(x, y, bint logarithm):
    """y[o,i,k] = e^(x[o,i,k] - m) / sum_j e^(x[o,j,k] - m),  m = max_j x[o,j,k];  or the logarithm of it

    x  IN   (O, N, K)
    y  OUT  (O, N, K)

    Source: Bridle, Probabilistic interpretation of feedforward classification network outputs (1990).
    Twin: minidl/reference/softmax.py
    """
    _run(None, x, y, logarithm)


def softmax_backward(g, y, dx, bint logarithm):
    """dx[o,i,k] = y[o,i,k] (g[o,i,k] - sum_j g[o,j,k] y[o,j,k]);  of the logarithm: g[o,i,k] - e^y sum_j g[o,j,k]

    g   IN   (O, N, K), the cotangent of y
    y   IN   (O, N, K), what softmax_forward gave
    dx  OUT  (O, N, K)

    Source: the chain rule on softmax_forward.
    Twin: minidl/reference/softmax.py
    """
    _run(g, y, dx, logarithm)


cdef int _run(g, x, y, bint logarithm) except -1:
    cdef const Core *shared = core()
    cdef Softmax s
    cdef Arrays arrays
    cdef const void *cotangent
    cdef const void *source
    cdef void *target
    s.outer, s.size, s.inner = x.shape
    s.logarithm = logarithm
    cdef Py_ssize_t n = s.outer * s.size * s.inner
    arrays.held = arrays.kind = 0
    try:
        cotangent, source, target = read(&arrays, g, n), read(&arrays, x, n), written(&arrays, y, n)
        s.is_double = arrays.kind == b"d"
        if n < SMALL:
            _call(shared, &s, cotangent, source, target)
        else:
            with nogil:
                _call(shared, &s, cotangent, source, target)
    finally:
        release(&arrays)
    return 0


cdef void _call(const Core *shared, const Softmax *s, const void *g, const void *x, void *y) noexcept nogil:
    if g == NULL:
        c_forward(shared, s, x, y)
    else:
        c_backward(shared, s, g, x, y)
