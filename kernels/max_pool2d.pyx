"""y[n,c,i,j] = max_{u,v} x[n,c, i s + u d - p, j s + v d - p]: the largest of each window, and where it is.

C files: kernels/max_pool2d/
Twin: minidl/reference/max_pool2d.py
"""

from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int32_t

from minidl._kernels.core cimport Core, core

cdef extern from "max_pool2d/max_pool2d.h":
    ctypedef struct MaxPool "struct max_pool":
        ptrdiff_t planes, h, w, oh, ow, kh, kw
        ptrdiff_t stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w
        bint is_double
    void max_pool(const Core *core, const MaxPool *p, const void *x, void *y, int32_t *index) nogil

# Fewer taps are done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 50_000


def max_pool2d_forward(x, y, index, kernel_size, stride, padding, dilation):
    """y[n,c,i,j] = max_{u,v} x[n,c, i s + u d - p, j s + v d - p], with x minus infinity outside the image

    x      IN   (N, C, H, W)
    y      OUT  (N, C, OH, OW); the last windows may hang over the edge
    index  OUT  (N, C, OH, OW), int32: the place row W + column of the maximum in its plane
    kernel_size, stride s, padding p, dilation d: (of height, of width)

    The first of equal elements wins; a NaN wins over every element before it, as in PyTorch. A window with no element
    of the image gives minus infinity and index 0. Backward: scatter_add_planes sends g to the index.
    Source: Ranzato et al., Unsupervised learning of invariant feature hierarchies (2007).
    Twin: minidl/reference/max_pool2d.py
    """
    cdef MaxPool p
    cdef Py_buffer views[3]
    cdef int held = 0
    cdef const Core *lent = core()
    p.kh, p.kw = kernel_size
    p.stride_h, p.stride_w = stride
    p.padding_h, p.padding_w = padding
    p.dilation_h, p.dilation_w = dilation
    try:
        for array in (x, y, index):
            PyObject_GetBuffer(
                array, &views[held], PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if held > 0 else 0)
            )
            held += 1
            if views[held - 1].ndim != 4:
                raise ValueError("max pooling: x, y and index have 4 dimensions")
        _describe(&p, &views[0], &views[1], &views[2])
        if p.planes * p.oh * p.ow * p.kh * p.kw < SMALL:
            max_pool(lent, &p, views[0].buf, views[1].buf, <int32_t *> views[2].buf)
        else:
            with nogil:
                max_pool(lent, &p, views[0].buf, views[1].buf, <int32_t *> views[2].buf)
    finally:
        while held > 0:
            held -= 1
            PyBuffer_Release(&views[held])


cdef int _describe(MaxPool *p, Py_buffer *x, Py_buffer *y, Py_buffer *index) except -1:
    """Fill in the shapes, or say what is wrong with them."""
    cdef int i
    if x.format[0] not in b"fd" or x.format[1] or y.format[0] != x.format[0] or y.format[1] or index.itemsize != 4:
        raise TypeError("max pooling: x and y are float32 or float64, index is int32")
    for i in range(4):
        if y.shape[i] != index.shape[i] or (i < 2 and y.shape[i] != x.shape[i]):
            raise ValueError("max pooling: the shapes of x, y and index do not fit")
    if x.shape[2] * x.shape[3] > 2**31 - 1:
        raise ValueError("max pooling: an image of more than 2^31 elements has no int32 index")
    p.planes = x.shape[0] * x.shape[1]
    p.h, p.w = x.shape[2], x.shape[3]
    p.oh, p.ow = y.shape[2], y.shape[3]
    p.is_double = x.itemsize == 8
    return 0
