"""y[n,c,i,j] = max_{u,v} x[n,c, i s + u d - p, j s + v d - p]: the largest of each window, and where it is.

Twin: minidl/reference/max_pool2d.py
"""

from libc.math cimport INFINITY

from real cimport real

ctypedef long long int64


def max_pool2d_forward(
    const real[:, :, :, ::1] x,
    real[:, :, :, ::1] y,
    int64[:, :, :, ::1] index,
    kernel_size,
    stride,
    padding,
    dilation,
):
    """y[n,c,i,j] = max_{u,v} x[n,c, i s + u d - p, j s + v d - p], with x minus infinity outside the image

    x      IN   (N, C, H, W)
    y      OUT  (N, C, OH, OW); the last windows may hang over the edge
    index  OUT  (N, C, OH, OW), int64: the place row W + column of the maximum in its plane
    kernel_size, stride s, padding p, dilation d: (of height, of width)

    The first of equal elements wins; a NaN wins over every element before it, as in PyTorch. A window with no element
    of the image gives minus infinity and index 0. Backward: scatter_add_planes sends g to the index.
    Source: Ranzato et al., Unsupervised learning of invariant feature hierarchies (2007).
    Twin: minidl/reference/max_pool2d.py
    """
    cdef Py_ssize_t kh = kernel_size[0], kw = kernel_size[1], sh = stride[0], sw = stride[1]
    cdef Py_ssize_t ph = padding[0], pw = padding[1], dh = dilation[0], dw = dilation[1]
    cdef Py_ssize_t n, c, i, j, u, v, row, column, where
    cdef real value, best
    with nogil:
        for n in range(y.shape[0]):
            for c in range(y.shape[1]):
                for i in range(y.shape[2]):
                    for j in range(y.shape[3]):
                        best = -INFINITY
                        where = -1
                        for u in range(kh):
                            row = i * sh + u * dh - ph
                            if row < 0 or row >= x.shape[2]:
                                continue
                            for v in range(kw):
                                column = j * sw + v * dw - pw
                                if column < 0 or column >= x.shape[3]:
                                    continue
                                value = x[n, c, row, column]
                                if where < 0 or value > best or value != value:
                                    best = value
                                    where = row * x.shape[3] + column
                        y[n, c, i, j] = best
                        index[n, c, i, j] = max(where, 0)
