"""y[index[i]] += x[i]: values added to the places they are sent to, the adjoint of gathering from them.

Twin: minidl/reference/scatter_add.py
"""

from libc.string cimport memset

from real cimport real

ctypedef int int32
ctypedef long long int64


def scatter_add_planes(const real[:, ::1] x, const int32[:, ::1] index, real[:, ::1] y):
    """y[p, index[p,i]] += x[p,i], from zero

    x      IN   (P, n)
    index  IN   (P, n), int32 in 0 .. m - 1
    y      OUT  (P, m)

    The backward pass of max pooling, p running over the planes of all images. Its own backward is y[p, index[p,i]].
    Twin: minidl/reference/scatter_add.py
    """
    cdef Py_ssize_t p, i
    with nogil:
        if y.shape[0] * y.shape[1] > 0:
            memset(&y[0, 0], 0, y.shape[0] * y.shape[1] * sizeof(real))
        for p in range(x.shape[0]):
            for i in range(x.shape[1]):
                y[p, index[p, i]] += x[p, i]


def scatter_add_rows(const real[:, ::1] x, const int64[::1] row, real[:, ::1] y):
    """y[row[i], k] += x[i, k], from zero

    x      IN   (n, K)
    row  IN   (n,), int64 in 0 .. m - 1
    y      OUT  (m, K)

    The backward pass of an embedding, and of any choice of rows by index. Its own backward is y[row].
    Twin: minidl/reference/scatter_add.py
    """
    cdef Py_ssize_t i, k
    with nogil:
        y[...] = 0
        for i in range(x.shape[0]):
            for k in range(x.shape[1]):
                y[row[i], k] += x[i, k]
