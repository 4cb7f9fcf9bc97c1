"""y = (x - mean) / sqrt(var + eps) w + b, mean and var of each row: layer normalisation.

Twin: minidl/reference/layer_norm.py

a) Two passes: the mean, then the mean of (x - mean)^2. The short cut mean(x^2) - mean(x)^2 cancels where the mean is
   large.
b) Sums are kept in double, so that a float32 row of any length has an exact mean.
c) Forward leaves mean and 1 / sqrt(var + eps) behind, two numbers a row.
"""

from libc.math cimport sqrt

from real cimport real


def layer_norm_forward(
    const real[:, ::1] x, const real[::1] w, const real[::1] b, real[:, ::1] y, real[::1] mean, real[::1] rstd,
    double eps,
):
    """y[n,d] = (x[n,d] - mean[n]) rstd[n] w[d] + b[d],  rstd[n] = 1 / sqrt(mean_d (x[n,d] - mean[n])^2 + eps)

    x           IN   (N, D)
    w, b        IN   (D,) or None
    y           OUT  (N, D)
    mean, rstd  OUT  (N,), for backward

    Source: Ba, Kiros & Hinton, Layer normalization (2016).
    Twin: minidl/reference/layer_norm.py
    """
    cdef Py_ssize_t n, d, width = x.shape[1]
    cdef double total
    cdef real normal
    with nogil:
        for n in range(x.shape[0]):
            total = 0
            for d in range(width):
                total += x[n, d]
            mean[n] = <real>(total / width)
            total = 0
            for d in range(width):
                total += (x[n, d] - mean[n]) * (x[n, d] - mean[n])
            rstd[n] = <real>(1 / sqrt(total / width + eps))
            for d in range(width):
                normal = (x[n, d] - mean[n]) * rstd[n]
                if w is not None:
                    normal *= w[d]
                if b is not None:
                    normal += b[d]
                y[n, d] = normal


def layer_norm_backward(
    const real[:, ::1] g, const real[:, ::1] x, const real[::1] w, const real[::1] mean, const real[::1] rstd,
    real[:, ::1] dx, real[::1] dw, real[::1] db,
):
    """dx = rstd (g w - mean_d(g w) - normal mean_d(g w normal)),  normal[n,d] = (x[n,d] - mean[n]) rstd[n]

    dw[d] = sum_n g[n,d] normal[n,d],  db[d] = sum_n g[n,d]

    g           IN   (N, D), the cotangent of y
    x           IN   (N, D)
    w           IN   (D,) or None
    mean, rstd  IN   (N,), what layer_norm_forward left
    dx          OUT  (N, D) or None
    dw, db      OUT  (D,) or None

    Source: the chain rule on layer_norm_forward; mean and rstd depend on every x of the row.
    Twin: minidl/reference/layer_norm.py
    """
    cdef Py_ssize_t n, d, width = x.shape[1]
    cdef double along_one, along_normal
    cdef real normal, g_normal
    with nogil:
        if dw is not None:
            dw[...] = 0
        if db is not None:
            db[...] = 0
        for n in range(x.shape[0]):
            along_one = along_normal = 0
            for d in range(width):
                normal = (x[n, d] - mean[n]) * rstd[n]
                g_normal = g[n, d] if w is None else g[n, d] * w[d]
                along_one += g_normal
                along_normal += g_normal * normal
                if dw is not None:
                    dw[d] += g[n, d] * normal
                if db is not None:
                    db[d] += g[n, d]
            if dx is not None:
                for d in range(width):
                    normal = (x[n, d] - mean[n]) * rstd[n]
                    g_normal = g[n, d] if w is None else g[n, d] * w[d]
                    dx[n, d] = rstd[n] * (g_normal - <real>(along_one / width) - normal * <real>(along_normal / width))
