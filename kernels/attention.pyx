"""y = softmax(q kᵀ scale + mask) v: attention, without storing the scores of all queries and keys.

Twin: minidl/reference/attention.py. C sources: attention/attention.c divides the work, attention_unit.h computes.

a) 32 queries at a time: their scores, softmax and product with v follow while they are in the cache.
b) A causal mask is not an array: keys after the last query of a block are not even multiplied.
c) Nothing is kept for backward: it computes the weights again. That costs a product more and saves queries x keys
   numbers a head.
d) q, k and v are read where they lie, so that the heads of one projection need no copies.
"""

from cpython.buffer cimport (
    Py_buffer, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.string cimport memset

from minidl._kernels.core cimport Core, core


cdef extern from "attention/attention.h":
    ctypedef struct Heads "struct heads":
        void *first
        ptrdiff_t batch, head, row
    ctypedef struct Attention "struct attention":
        ptrdiff_t batch, heads, queries, keys, width, value_width
        Heads q, k, v, mask, y, g, dq, dk, dv
        double scale
        bint causal, is_double
    int c_forward "attention_forward"(const Core *core, const Attention *p) nogil
    int c_backward "attention_backward"(const Core *core, const Attention *p) nogil


def attention_forward(q, k, v, mask, y, causal, scale):
    """y[n,h,i] = sum_j w[i,j] v[n,h,j], w[i,j] = e^z[i,j] / sum_j e^z[i,j]

    z[i,j] = scale q[n,h,i] . k[n,h,j] + mask[n,h,i,j]

    q     IN   (N, H, L, E)
    k     IN   (N, H, S, E)
    v     IN   (N, H, S, V)
    mask  IN   (N, H, L, S), may be a view of fewer numbers; or None
    y     OUT  (N, H, L, V)
    causal: query i sees the keys j <= i only

    The last dimension of each array is contiguous, the others lie anywhere. The largest z of a query is taken off all,
    so that no exponent is positive. A query that sees no key (every z is -inf) gets zeros.
    Source: Vaswani et al., Attention is all you need (2017), eq. 1; in blocks: Dao et al., FlashAttention (2022).
    Twin: minidl/reference/attention.py
    """
    cdef Attention p
    cdef Heads *places[5]
    places[0], places[1], places[2], places[3], places[4] = &p.q, &p.k, &p.v, &p.mask, &p.y
    _run(&p, places, (q, k, v, mask), (y,), causal, scale, c_forward)


def attention_backward(g, q, k, v, mask, dq, dk, dv, causal, scale):
    """dw[i,j] = g[i] . v[j],  dz[i,j] = w[i,j] (dw[i,j] - sum_j w[i,j] dw[i,j]) scale

    dq[i] = sum_j dz[i,j] k[j],  dk[j] = sum_i dz[i,j] q[i],  dv[j] = sum_i w[i,j] g[i]

    g           IN   (N, H, L, V), the cotangent of y
    q, k, v     IN   as attention_forward had them, and the mask
    dq, dk, dv  OUT  in the shapes of q, k and v

    Source: Dao et al., FlashAttention (2022), appendix B.2.
    Twin: minidl/reference/attention.py
    """
    cdef Attention p
    cdef Heads *places[8]
    places[0], places[1], places[2], places[3], places[4] = &p.q, &p.k, &p.v, &p.mask, &p.g
    places[5], places[6], places[7] = &p.dq, &p.dk, &p.dv
    _run(&p, places, (q, k, v, mask, g), (dq, dk, dv), causal, scale, c_backward)


ctypedef int (*Function)(const Core *core, const Attention *p) noexcept nogil


cdef int _run(
    Attention *p, Heads **places, tuple inputs, tuple outputs, bint causal, double scale, Function function
) except -1:
    """Say in p where the arrays lie, and compute."""
    cdef Py_buffer views[8]
    cdef int i, held = 0
    cdef int done
    cdef const Core *lent = core()
    memset(p, 0, sizeof(Attention))
    p.causal, p.scale = causal, scale
    try:
        for i, array in enumerate(inputs + outputs):
            if array is None:
                continue
            PyObject_GetBuffer(array, &views[held], PyBUF_STRIDES | PyBUF_FORMAT | (i >= len(inputs)) * PyBUF_WRITABLE)
            held += 1
            _place(&views[held - 1], places[i])
        p.batch, p.heads = views[0].shape[0], views[0].shape[1]
        p.queries, p.width = views[0].shape[2], views[0].shape[3]
        p.keys, p.value_width = views[2].shape[2], views[2].shape[3]
        p.is_double = views[0].itemsize == 8
        with nogil:
            done = function(lent, p)
    finally:
        while held > 0:
            held -= 1
            PyBuffer_Release(&views[held])
    if not done:
        raise MemoryError("no memory for the scores of a block of queries")
    return 0


cdef int _place(Py_buffer *view, Heads *x) except -1:
    """Say where the heads of an array lie."""
    if view.ndim != 4 or view.format[0] not in b"fd" or (view.strides[3] != view.itemsize and view.shape[3] > 1):
        raise ValueError("attention takes floats of 4 dimensions, the last of which is contiguous")
    x.first = view.buf
    x.batch = view.strides[0] // view.itemsize
    x.head = view.strides[1] // view.itemsize
    x.row = view.strides[2] // view.itemsize
    return 0
