"""loss[n] = -ln softmax(x[n])[target[n]]: how surprised the scores x are by the true classes.

Twin: minidl/reference/cross_entropy.py

a) One pass over a row finds its maximum m, a second one writes e^(x - m) and sums it, a third divides: the softmax is
   what the gradient needs, so the forward pass leaves it behind.
b) No exponent is positive, so nothing overflows; the sum is at least 1, so its logarithm is finite.
c) The targets are looked at first: one outside the classes would read and write memory that is not ours.
"""

from libc.math cimport INFINITY, exp, expf, log

from real cimport real

ctypedef long long int64


cdef int check_targets(const int64[::1] target, Py_ssize_t classes) except -1:
    """Raise if a target is none of the classes."""
    cdef Py_ssize_t n
    for n in range(target.shape[0]):
        if not 0 <= target[n] < classes:
            raise IndexError(f"target {target[n]} at index {n} is outside the {classes} classes 0 .. {classes - 1}")
    return 0


def cross_entropy_forward(const real[:, ::1] x, const int64[::1] target, real[::1] loss, real[:, ::1] softmax):
    """loss[n] = ln sum_c e^(x[n,c] - m) - (x[n,target[n]] - m),  m = max_c x[n,c];  softmax[n,c] = e^(x[n,c] - m) / sum

    x        IN   (N, C), the scores
    target   IN   (N,), int64 in 0 .. C - 1
    loss     OUT  (N,)
    softmax  OUT  (N, C)

    Source: Bridle, Probabilistic interpretation of feedforward classification network outputs (1990).
    Twin: minidl/reference/cross_entropy.py
    """
    cdef Py_ssize_t n, c
    cdef real m, total
    check_targets(target, x.shape[1])
    with nogil:
        for n in range(x.shape[0]):
            m = -INFINITY
            for c in range(x.shape[1]):
                if x[n, c] > m or x[n, c] != x[n, c]:
                    m = x[n, c]
            total = 0
            for c in range(x.shape[1]):
                softmax[n, c] = expf(x[n, c] - m) if real is float else exp(x[n, c] - m)
                total += softmax[n, c]
            loss[n] = <real>log(total) - (x[n, target[n]] - m)
            for c in range(x.shape[1]):
                softmax[n, c] /= total


def cross_entropy_backward(const real[::1] g, const int64[::1] target, const real[:, ::1] softmax, real[:, ::1] dx):
    """dx[n,c] = g[n] (softmax[n,c] - 1 at the target)

    g        IN   (N,), the cotangent of loss
    target   IN   (N,), int64 in 0 .. C - 1
    softmax  IN   (N, C), what cross_entropy_forward left
    dx       OUT  (N, C)

    Twin: minidl/reference/cross_entropy.py
    """
    cdef Py_ssize_t n, c
    check_targets(target, softmax.shape[1])
    with nogil:
        for n in range(softmax.shape[0]):
            for c in range(softmax.shape[1]):
                dx[n, c] = g[n] * softmax[n, c]
            dx[n, target[n]] = g[n] * (softmax[n, target[n]] - 1)
