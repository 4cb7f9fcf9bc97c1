"""Convolution: y[n,k,i,j] = b[k] + sum_{c,u,v} x[n,c, i s + u d - p, j s + v d - p] w[k,c,u,v]

C files: kernels/conv2d/, of which conv2d.c chooses the form by the shape, direct.c is the usual one.
Twin: minidl/reference/conv2d.py, which opens with the seven plain loops.

The kernel is not flipped: this is the cross-correlation that every framework calls convolution. (The chapter's formula
is garbled in print; this is the standard one.)

a) No im2col: tiles of y in registers, summed over an image with zeros around it. 3 x 3, 64 to 64 channels of 56 x 56,
   batch 8, float32: 18.5 ms; plain loops, vectorised, take 197, and PyTorch 2.13 18.7 (Zen 4, AVX-512, one thread).
b) dx is the same sum over dy, with stride and all: kernels/README.md explains it step by step.
c) The arrays are taken as buffers, all four in .7 us: memoryviews cost that much each, and LeNet's first layer on one
   image takes 4 us in all.
"""

from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)

from minidl._kernels.core cimport Core, core

cdef extern from "conv2d/conv2d.h":
    ctypedef struct Convolution "struct convolution":
        ptrdiff_t n, c, h, w, k, kh, kw, oh, ow
        ptrdiff_t stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups
        bint is_double
    bint c_forward "convolve"(
        const Core *core, const Convolution *c, const void *x, const void *w, const void *bias, void *y
    ) nogil
    bint c_dx "convolve_dx"(const Core *core, const Convolution *c, const void *dy, const void *w, void *dx) nogil
    bint c_dw "convolve_dw"(const Core *core, const Convolution *c, const void *dy, const void *x, void *dw) nogil

cdef enum Direction:
    FORWARD, DX, DW

# A convolution of fewer multiplications is done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 500_000


def conv2d_forward(x, w, b, y, stride, padding, dilation, Py_ssize_t groups):
    """y[n,k,i,j] = b[k] + sum_{c,u,v} x[n,c, i s + u d - p, j s + v d - p] w[k,c,u,v], with x zero outside the image

    x  IN   (N, C, H, W)
    w  IN   (K, C / groups, KH, KW)
    b  IN   (K,) or None
    y  OUT  (N, K, OH, OW)
    stride s, padding p, dilation d: (of height, of width)
    groups: output channels k of group q see only the input channels c of group q, counted from its first

    Source: LeCun et al., Gradient-based learning applied to document recognition (1998), section II.
    Twin: minidl/reference/conv2d.py
    """
    _run(FORWARD, x, w, y, b, stride, padding, dilation, groups)


def conv2d_dx(g, w, dx, stride, padding, dilation, Py_ssize_t groups):
    """dx[n,c, i s + u d - p, j s + v d - p] += g[n,k,i,j] w[k,c,u,v], over all n, k, c, u, v, i, j, from zero

    g   IN   (N, K, OH, OW), the cotangent of y
    w   IN   (K, C / groups, KH, KW)
    dx  OUT  (N, C, H, W)

    The adjoint of conv2d_forward in x; what falls on the padding is dropped.
    Source: the chain rule on conv2d_forward.
    Twin: minidl/reference/conv2d.py
    """
    _run(DX, dx, w, g, None, stride, padding, dilation, groups)


def conv2d_dw(g, x, dw, stride, padding, dilation, Py_ssize_t groups):
    """dw[k,c,u,v] = sum_{n,i,j} g[n,k,i,j] x[n,c, i s + u d - p, j s + v d - p]

    g   IN   (N, K, OH, OW), the cotangent of y
    x   IN   (N, C, H, W)
    dw  OUT  (K, C / groups, KH, KW)

    The adjoint of conv2d_forward in w.
    Source: the chain rule on conv2d_forward.
    Twin: minidl/reference/conv2d.py
    """
    _run(DW, x, dw, g, None, stride, padding, dilation, groups)


cdef int _run(
    Direction direction, x, w, y, bias, stride, padding, dilation, Py_ssize_t groups
) except -1:
    """Fill y from x and w, x (which is dx) from y and w, or w (which is dw) from y and x."""
    cdef Convolution c
    cdef Py_buffer views[4]
    cdef int held = 0
    cdef bint done
    cdef const void *b = NULL
    cdef const Core *lent = core()
    try:
        for array in (x, w, y) if bias is None else (x, w, y, bias):
            PyObject_GetBuffer(array, &views[held], PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (
                PyBUF_WRITABLE if held == (2, 0, 1)[<int> direction] else 0
            ))
            held += 1
        _describe(&c, views, held, stride, padding, dilation, groups)
        if held == 4:
            b = views[3].buf
        if c.n * c.k * c.oh * c.ow * (c.c // groups) * c.kh * c.kw < SMALL:
            done = _compute(lent, direction, &c, views[0].buf, views[1].buf, b, views[2].buf)
        else:
            with nogil:
                done = _compute(lent, direction, &c, views[0].buf, views[1].buf, b, views[2].buf)
        if not done:
            raise MemoryError("convolution: no memory for the padded image")
    finally:
        while held > 0:
            held -= 1
            PyBuffer_Release(&views[held])
    return 0


cdef bint _compute(
    const Core *lent, Direction direction, const Convolution *c, void *x, void *w, const void *bias, void *y
) noexcept nogil:
    if direction == FORWARD:
        return c_forward(lent, c, x, w, bias, y)
    if direction == DX:
        return c_dx(lent, c, y, w, x)
    return c_dw(lent, c, y, x, w)


cdef int _describe(
    Convolution *c, Py_buffer *views, int count, stride, padding, dilation, Py_ssize_t groups
) except -1:
    """Fill in c from the buffers of x, w, y and perhaps the bias, or say what is wrong with them."""
    cdef int i
    cdef Py_ssize_t *x = views[0].shape
    cdef Py_ssize_t *w = views[1].shape
    cdef Py_ssize_t *y = views[2].shape
    for i in range(count):
        if views[i].format[0] != views[0].format[0] or views[i].format[1] != 0 or views[i].format[0] not in b"fd":
            raise TypeError("a convolution takes arrays of one type, float32 or float64")
        if views[i].ndim != (4 if i < 3 else 1):
            raise ValueError(f"{'xwyb'[i]} has {views[i].ndim} dimensions")
    c.n, c.c, c.h, c.w = x[0], x[1], x[2], x[3]
    c.k, c.kh, c.kw = w[0], w[2], w[3]
    c.oh, c.ow = y[2], y[3]
    c.stride_h, c.stride_w = stride
    c.padding_h, c.padding_w = padding
    c.dilation_h, c.dilation_w = dilation
    c.groups = groups
    c.is_double = views[0].itemsize == 8
    if (
        groups < 1 or c.stride_h < 1 or c.stride_w < 1 or c.dilation_h < 1 or c.dilation_w < 1
        or c.padding_h < 0 or c.padding_w < 0
        or w[1] * groups != c.c or c.k % groups or y[0] != c.n or y[1] != c.k
        or not _fits(c.h, c.kh, c.oh, c.stride_h, c.padding_h, c.dilation_h)
        or not _fits(c.w, c.kw, c.ow, c.stride_w, c.padding_w, c.dilation_w)
        or (count == 4 and views[3].shape[0] != c.k)
    ):
        raise ValueError("the shapes of a convolution do not fit")
    return 0


cdef bint _fits(
    Py_ssize_t size, Py_ssize_t kernel, Py_ssize_t out, Py_ssize_t stride, Py_ssize_t padding, Py_ssize_t dilation
) noexcept:
    """Whether every window of `out` lies in the padded image."""
    return out == 0 or (out - 1) * stride + (kernel - 1) * dilation + 1 <= size + 2 * padding
