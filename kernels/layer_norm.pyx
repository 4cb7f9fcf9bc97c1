"""y = (x - mean) / sqrt(var + eps) w + b, mean and var of each row: layer normalisation; without the mean: RMS.

C files: kernels/layer_norm/, of which layer_norm_unit.h has the formulas.
Twin: minidl/reference/layer_norm.py

a) Two passes: the mean, then the mean of (x - mean)^2. The short cut mean(x^2) - mean(x)^2 cancels where the mean is
   large. The row is read from memory once: the other passes find it in the cache.
b) Lanes and four sums side by side add up blocks of 2048, and double adds the blocks: a float32 row of any length has
   an exact mean.
c) Forward leaves mean and 1 / sqrt(var + eps) behind, two numbers a row.
d) Backward takes one row at a time: four side by side share the loads and stores of dw and db, but took twice the time,
   as the processor then foresees none of the eight streams.
e) dw and db are summed over fixed groups of rows, and the groups in order: any number of threads gives the same bits.

Forward and backward, ms: plain loops before | here | PyTorch 2.13 (float32, AVX-512 on a Zen 4, one thread, CPU time,
interleaved medians):

    4096 x 768   14.3 | 3.9 | 5.2        1024 x 128   .64 | .17 | .22        1 x 64   .063 | .035 | .046
"""

from minidl._kernels.core cimport Core, core

from arrays cimport Arrays, read, release, written

cdef extern from "layer_norm/layer_norm.h":
    ctypedef struct LayerNorm "struct layer_norm":
        ptrdiff_t rows, width
        const void *x
        const void *w
        const void *b
        const void *g
        void *y
        void *mean
        void *rstd
        void *dx
        void *dw
        void *db
        double eps
        bint is_double
    void c_forward "layer_norm_forward"(const Core *core, const LayerNorm *l) nogil
    bint c_backward "layer_norm_backward"(const Core *core, const LayerNorm *l) nogil

# Fewer elements are done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 20_000


def layer_norm_forward(x, w, b, y, mean, rstd, double eps):
    """y[n,d] = (x[n,d] - mean[n]) rstd[n] w[d] + b[d],  rstd[n] = 1 / sqrt(mean_d (x[n,d] - mean[n])^2 + eps)

    x     IN   (N, D)
    w, b  IN   (D,) or None
    y     OUT  (N, D)
    mean  OUT  (N,), for backward; or None: then nothing is subtracted
    rstd  OUT  (N,), for backward

    Source: Ba, Kiros & Hinton, Layer normalization (2016); without the mean Zhang & Sennrich, Root mean square layer
    normalization (2019).
    Twin: minidl/reference/layer_norm.py
    """
    cdef const Core *shared = core()
    cdef LayerNorm l
    cdef Arrays arrays
    l.rows, l.width = x.shape
    l.eps = eps
    arrays.held = arrays.kind = 0
    try:
        l.x = read(&arrays, x, l.rows * l.width)
        l.w = read(&arrays, w, l.width)
        l.b = read(&arrays, b, l.width)
        l.y = written(&arrays, y, l.rows * l.width)
        l.mean = written(&arrays, mean, l.rows)
        l.rstd = written(&arrays, rstd, l.rows)
        l.is_double = arrays.kind == b"d"
        if l.rows * l.width < SMALL:
            c_forward(shared, &l)
        else:
            with nogil:
                c_forward(shared, &l)
    finally:
        release(&arrays)


def layer_norm_backward(g, x, w, mean, rstd, dx, dw, db):
    """dx = rstd (g w - mean_d(g w) - normal mean_d(g w normal)),  normal[n,d] = (x[n,d] - mean[n]) rstd[n]

    dw[d] = sum_n g[n,d] normal[n,d],  db[d] = sum_n g[n,d]

    g       IN   (N, D), the cotangent of y
    x       IN   (N, D)
    w       IN   (D,) or None
    mean    IN   (N,), what layer_norm_forward left, or None: then mean_d(g w) is not subtracted either
    rstd    IN   (N,), what layer_norm_forward left
    dx      OUT  (N, D) or None
    dw, db  OUT  (D,) or None

    Source: the chain rule on layer_norm_forward; mean and rstd depend on every x of the row.
    Twin: minidl/reference/layer_norm.py
    """
    cdef const Core *shared = core()
    cdef LayerNorm l
    cdef Arrays arrays
    cdef bint done
    l.rows, l.width = x.shape
    arrays.held = arrays.kind = 0
    try:
        l.g = read(&arrays, g, l.rows * l.width)
        l.x = read(&arrays, x, l.rows * l.width)
        l.w = read(&arrays, w, l.width)
        l.mean = <void *> read(&arrays, mean, l.rows)
        l.rstd = <void *> read(&arrays, rstd, l.rows)
        l.dx = written(&arrays, dx, l.rows * l.width)
        l.dw = written(&arrays, dw, l.width)
        l.db = written(&arrays, db, l.width)
        l.is_double = arrays.kind == b"d"
        if l.rows * l.width < SMALL:
            done = c_backward(shared, &l)
        else:
            with nogil:
                done = c_backward(shared, &l)
        if not done:
            raise MemoryError
    finally:
        release(&arrays)
