"""y = (x - mean) / sqrt(var + eps) w + b, mean and var of each channel over all images and places: batch normalisation.

Twin: minidl/reference/batch_norm.py

a) Two passes: the mean, then the mean of (x - mean)^2. The short cut mean(x^2) - mean(x)^2 cancels where the mean is
   large.
b) Sums are kept in double, so that a float32 channel of any size has an exact mean.
c) mean and var are outputs like y: a layer keeps running averages of them, and who differentiates them gets a gradient.
"""

from libc.math cimport sqrt

from real cimport real


def batch_norm_forward(
    const real[:, :, ::1] x, const real[::1] w, const real[::1] b, real[:, :, ::1] y, real[::1] mean, real[::1] var,
    double eps,
):
    """y[n,c,s] = (x[n,c,s] - mean[c]) / sqrt(var[c] + eps) w[c] + b[c],  var[c] = mean_{n,s} (x[n,c,s] - mean[c])^2

    x          IN   (N, C, S)
    w, b       IN   (C,) or None
    y          OUT  (N, C, S)
    mean, var  OUT  (C,)

    Source: Ioffe & Szegedy, Batch normalization (2015), algorithm 1.
    Twin: minidl/reference/batch_norm.py
    """
    cdef Py_ssize_t n, c, s, count = x.shape[0] * x.shape[2]
    cdef double total
    cdef real scale, shift
    with nogil:
        for c in range(x.shape[1]):
            total = 0
            for n in range(x.shape[0]):
                for s in range(x.shape[2]):
                    total += x[n, c, s]
            mean[c] = <real>(total / count)
            total = 0
            for n in range(x.shape[0]):
                for s in range(x.shape[2]):
                    total += (x[n, c, s] - mean[c]) * (x[n, c, s] - mean[c])
            var[c] = <real>(total / count)
            scale = <real>(1 / sqrt(var[c] + eps))
            if w is not None:
                scale *= w[c]
            shift = 0 if b is None else b[c]
            for n in range(x.shape[0]):
                for s in range(x.shape[2]):
                    y[n, c, s] = (x[n, c, s] - mean[c]) * scale + shift


def batch_norm_backward(
    const real[:, :, ::1] g_y, const real[::1] g_mean, const real[::1] g_var, const real[:, :, ::1] x,
    const real[::1] w, const real[::1] mean, const real[::1] var, real[:, :, ::1] dx, real[::1] dw, real[::1] db,
    double eps,
):
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
    cdef Py_ssize_t n, c, s, count = x.shape[0] * x.shape[2]
    cdef double along_one, along_normal
    cdef real rstd, scale, slope, constant
    with nogil:
        for c in range(x.shape[1]):
            rstd = <real>(1 / sqrt(var[c] + eps))
            along_one = along_normal = 0
            for n in range(x.shape[0]):
                for s in range(x.shape[2]):
                    along_one += g_y[n, c, s]
                    along_normal += g_y[n, c, s] * ((x[n, c, s] - mean[c]) * rstd)
            if dw is not None:
                dw[c] = <real>along_normal
            if db is not None:
                db[c] = <real>along_one
            if dx is not None:
                scale = rstd if w is None else rstd * w[c]
                slope = (2 * g_var[c] - scale * rstd * <real>along_normal) / count
                constant = (g_mean[c] - scale * <real>along_one) / count
                for n in range(x.shape[0]):
                    for s in range(x.shape[2]):
                        dx[n, c, s] = scale * g_y[n, c, s] + slope * (x[n, c, s] - mean[c]) + constant
