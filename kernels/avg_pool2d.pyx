"""y[n,c,i,j] = sum_{h in rows i, v in columns j} x[n,c,h,v] / (divisor i divisor j): the mean of each window.

Twin: minidl/reference/avg_pool2d.py

The windows are given by their bounds, so that one kernel serves a stride with padding and the uneven windows of
adaptive pooling; what a padded or cut window is divided by stands beside its bounds, in two factors.
"""

from real cimport real

ctypedef long long int64


def avg_pool2d_forward(
    const real[:, :, :, ::1] x, const int64[:, ::1] rows, const int64[:, ::1] columns, real[:, :, :, ::1] y
):
    """y[n,c,i,j] = sum of x[n,c, rows[i,0]:rows[i,1], columns[j,0]:columns[j,1]] / (rows[i,2] columns[j,2])

    x        IN   (N, C, H, W)
    rows     IN   (OH, 3), int64: first row, row after the last, divisor
    columns  IN   (OW, 3), int64: likewise
    y        OUT  (N, C, OH, OW)

    Source: LeCun et al., Gradient-based learning applied to document recognition (1998), section II.
    Twin: minidl/reference/avg_pool2d.py
    """
    cdef Py_ssize_t n, c, i, j, h, v
    cdef real total
    with nogil:
        for n in range(y.shape[0]):
            for c in range(y.shape[1]):
                for i in range(y.shape[2]):
                    for j in range(y.shape[3]):
                        total = 0
                        for h in range(rows[i, 0], rows[i, 1]):
                            for v in range(columns[j, 0], columns[j, 1]):
                                total += x[n, c, h, v]
                        y[n, c, i, j] = total / <real>(rows[i, 2] * columns[j, 2])


def avg_pool2d_dx(
    const real[:, :, :, ::1] g, const int64[:, ::1] rows, const int64[:, ::1] columns, real[:, :, :, ::1] dx
):
    """dx[n,c,h,v] += g[n,c,i,j] / (rows[i,2] columns[j,2]) at every (h, v) of the window (i, j), from zero

    g              IN   (N, C, OH, OW), the cotangent of y
    rows, columns  IN   (OH, 3), (OW, 3), int64, as in avg_pool2d_forward
    dx             OUT  (N, C, H, W)

    The adjoint of avg_pool2d_forward, which is linear.
    Twin: minidl/reference/avg_pool2d.py
    """
    cdef Py_ssize_t n, c, i, j, h, v
    cdef real share
    with nogil:
        dx[...] = 0
        for n in range(g.shape[0]):
            for c in range(g.shape[1]):
                for i in range(g.shape[2]):
                    for j in range(g.shape[3]):
                        share = g[n, c, i, j] / <real>(rows[i, 2] * columns[j, 2])
                        for h in range(rows[i, 0], rows[i, 1]):
                            for v in range(columns[j, 0], columns[j, 1]):
                                dx[n, c, h, v] += share
