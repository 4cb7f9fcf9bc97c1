"""y = (x - mean) / sqrt(var + eps) w + b, mean and var of each channel over all images and places: batch normalisation.

C files: kernels/batch_norm/, of which batch_norm_unit.h has the formulas.
Twin: minidl/reference/batch_norm.py

a) Two passes: the mean, then the mean of (x - mean)^2. The short cut mean(x^2) - mean(x)^2 cancels where the mean is
   large. A channel of all images fits in the cache, where the later passes find it.
b) Lanes and four sums side by side add up blocks of 2048, and double adds the blocks: a float32 channel of any size has
   an exact mean.
c) mean and var are outputs like y: a layer keeps running averages of them, and who differentiates them gets a gradient.
d) Where a channel has one number in each image, (N, C), lanes are channels.

Forward and backward of 32 images, ms: plain loops before | here | PyTorch 2.13 (float32, AVX-512 on a Zen 4, one
thread, CPU time, interleaved medians):

    16@32x32   2.25 | .90 | 1.95        32@16x16   1.10 | .31 | .77        64@8x8   .53 | .26 | .50
"""

from minidl._kernels.core cimport Core, core

from arrays cimport Arrays, read, release, written

cdef extern from "batch_norm/batch_norm.h":
    ctypedef struct BatchNorm "struct batch_norm":
        ptrdiff_t n, c, s
        const void *x
        const void *w
        const void *b
        const void *g_y
        const void *g_mean
        const void *g_var
        void *y
        void *mean
        void *var
        void *dx
        void *dw
        void *db
        double eps
        bint is_double
    int FORWARD, BACKWARD, APPLY, APPLY_BACKWARD
    void batch_norm(const Core *core, int task, const BatchNorm *b) nogil

# Fewer elements are done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 20_000


def batch_norm_forward(x, w, b, y, mean, var, double eps):
    """y[n,c,s] = (x[n,c,s] - mean[c]) / sqrt(var[c] + eps) w[c] + b[c],  var[c] = mean_{n,s} (x[n,c,s] - mean[c])^2

    x          IN   (N, C, S)
    w, b       IN   (C,) or None
    y          OUT  (N, C, S)
    mean, var  OUT  (C,)

    Source: Ioffe & Szegedy, Batch normalization (2015), algorithm 1.
    Twin: minidl/reference/batch_norm.py
    """
    cdef BatchNorm p
    cdef Arrays arrays
    p.n, p.c, p.s = x.shape
    p.eps = eps
    cdef Py_ssize_t size = p.n * p.c * p.s
    arrays.held = arrays.kind = 0
    try:
        p.x = read(&arrays, x, size)
        p.w = read(&arrays, w, p.c)
        p.b = read(&arrays, b, p.c)
        p.y = written(&arrays, y, size)
        p.mean = written(&arrays, mean, p.c)
        p.var = written(&arrays, var, p.c)
        p.is_double = arrays.kind == b"d"
        _run(FORWARD, &p)
    finally:
        release(&arrays)


def batch_norm_backward(g_y, g_mean, g_var, x, w, mean, var, dx, dw, db, double eps):
    """dx = w rstd (g_y - mean(g_y) - normal mean(g_y normal)) + (g_mean + 2 g_var (x - mean)) / count

    dw = sum g_y normal,  db = sum g_y;  rstd = 1 / sqrt(var + eps),  normal = (x - mean) rstd, each channel by itself

    g_y, g_mean, g_var  IN   (N, C, S), (C,), (C,), the cotangents of y, mean and var
    x                   IN   (N, C, S)
    w                   IN   (C,) or None
    mean, var           IN   (C,), what batch_norm_forward gave
    dx                  OUT  (N, C, S) or None
    dw, db              OUT  (C,) or None

    Source: Ioffe & Szegedy (2015), section 3, with the sums gathered; the terms of mean and var are their own slopes.
    Twin: minidl/reference/batch_norm.py
    """
    cdef BatchNorm p
    cdef Arrays arrays
    p.n, p.c, p.s = x.shape
    p.eps = eps
    cdef Py_ssize_t size = p.n * p.c * p.s
    arrays.held = arrays.kind = 0
    try:
        p.g_y = read(&arrays, g_y, size)
        p.g_mean = read(&arrays, g_mean, p.c)
        p.g_var = read(&arrays, g_var, p.c)
        p.x = read(&arrays, x, size)
        p.w = read(&arrays, w, p.c)
        p.mean = <void *> read(&arrays, mean, p.c)
        p.var = <void *> read(&arrays, var, p.c)
        p.dx = written(&arrays, dx, size)
        p.dw = written(&arrays, dw, p.c)
        p.db = written(&arrays, db, p.c)
        p.is_double = arrays.kind == b"d"
        _run(BACKWARD, &p)
    finally:
        release(&arrays)


def batch_norm_apply(x, mean, w, b, y):
    """y[n,c,s] = (x[n,c,s] - mean[c]) w[c] + b[c]: with statistics that are given

    x        IN   (N, C, S)
    w        IN   (C,)
    mean, b  IN   (C,) or None
    y        OUT  (N, C, S)

    Source: Ioffe & Szegedy (2015), algorithm 2.
    Twin: minidl/reference/batch_norm.py
    """
    cdef BatchNorm p
    cdef Arrays arrays
    p.n, p.c, p.s = x.shape
    cdef Py_ssize_t size = p.n * p.c * p.s
    arrays.held = arrays.kind = 0
    try:
        p.x = read(&arrays, x, size)
        p.mean = <void *> read(&arrays, mean, p.c)
        p.w = read(&arrays, w, p.c)
        p.b = read(&arrays, b, p.c)
        p.y = written(&arrays, y, size)
        p.is_double = arrays.kind == b"d"
        _run(APPLY, &p)
    finally:
        release(&arrays)


def batch_norm_apply_backward(g, x, mean, w, dx, dw, db):
    """dx = g w,  dw = sum g (x - mean),  db = sum g, each channel by itself

    g       IN   (N, C, S), the cotangent of y
    x       IN   (N, C, S)
    mean    IN   (C,) or None
    w       IN   (C,)
    dx      OUT  (N, C, S) or None
    dw, db  OUT  (C,) or None

    Source: the chain rule on batch_norm_apply.
    Twin: minidl/reference/batch_norm.py
    """
    cdef BatchNorm p
    cdef Arrays arrays
    p.n, p.c, p.s = x.shape
    cdef Py_ssize_t size = p.n * p.c * p.s
    arrays.held = arrays.kind = 0
    try:
        p.g_y = read(&arrays, g, size)
        p.x = read(&arrays, x, size)
        p.mean = <void *> read(&arrays, mean, p.c)
        p.w = read(&arrays, w, p.c)
        p.dx = written(&arrays, dx, size)
        p.dw = written(&arrays, dw, p.c)
        p.db = written(&arrays, db, p.c)
        p.is_double = arrays.kind == b"d"
        _run(APPLY_BACKWARD, &p)
    finally:
        release(&arrays)


cdef void _run(int task, const BatchNorm *p) noexcept:
    cdef const Core *shared = core()
    if p.n * p.c * p.s < SMALL:
        batch_norm(shared, task, p)
    else:
        with nogil:
            batch_norm(shared, task, p)
