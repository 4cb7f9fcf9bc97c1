"""y[n,k,i,j] = b[k] + sum_{c,u,v} x[n,c, i s + u d - p, j s + v d - p] w[k,c,u,v]: convolution in two dimensions.

Twin: kernels/conv2d.pyx, where shapes and sources are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import sliding_window_view

Pair = tuple[int, int]


def taps_formula(
    w: ndarray, y: ndarray, stride: Pair, dilation: Pair, groups: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    """List the places (in y, in w, in the padded x) that meet in the sum."""
    outputs, inputs = w.shape[0] // groups, w.shape[1]
    for n, k, i, j in np.ndindex(y.shape):
        for c, u, v in np.ndindex(w.shape[1:]):
            row, column = i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]
            yield (n, k, i, j), (k, c, u, v), (n, k // outputs * inputs + c, row, column)


def conv2d_forward_formula(
    x: ndarray, w: ndarray, b: ndarray, y: ndarray, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> None:
    """y[n,k,i,j] = b[k] + sum_{c,u,v} x[n,c, i s + u d - p, j s + v d - p] w[k,c,u,v]"""
    x = padded(x, padding)
    y[...] = b[:, None, None]
    for at_y, at_w, at_x in taps_formula(w, y, stride, dilation, groups):
        y[at_y] += x[at_x] * w[at_w]


def conv2d_dx_formula(
    g: ndarray, w: ndarray, dx: ndarray, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> None:
    """dx[n,c, i s + u d - p, j s + v d - p] += g[n,k,i,j] w[k,c,u,v]"""
    dx.fill(0)
    image = padded(dx, padding)
    for at_y, at_w, at_x in taps_formula(w, g, stride, dilation, groups):
        image[at_x] += g[at_y] * w[at_w]
    dx[...] = without_padding(image, padding)


def conv2d_dw_formula(
    g: ndarray, x: ndarray, dw: ndarray, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> None:
    """dw[k,c,u,v] = sum_{n,i,j} g[n,k,i,j] x[n,c, i s + u d - p, j s + v d - p]"""
    dw.fill(0)
    x = padded(x, padding)
    for at_y, at_w, at_x in taps_formula(dw, g, stride, dilation, groups):
        dw[at_w] += g[at_y] * x[at_x]


def conv2d_forward(
    x: ndarray, w: ndarray, b: ndarray | None, y: ndarray, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> None:
    """y = b + the windows of x times w, group by group."""
    windows = windows_of(x, w.shape[2:], stride, padding, dilation)
    for outputs, inputs in channels_of(w, groups):
        product = np.tensordot(windows[:, inputs], w[outputs], axes=((1, 4, 5), (1, 2, 3)))  # n i j k
        y[:, outputs] = np.moveaxis(product, 3, 1)
    if b is not None:
        y += b[:, None, None]


def conv2d_dx(g: ndarray, w: ndarray, dx: ndarray, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
    """Each tap (u, v) adds g w[:,:,u,v] to the places of x that it read."""
    dx.fill(0)
    image = padded(dx, padding)
    for outputs, inputs in channels_of(w, groups):
        for u, v in np.ndindex(w.shape[2:]):
            product = np.tensordot(g[:, outputs], w[outputs, :, u, v], axes=(1, 0))  # n i j c
            rows, columns = (
                slice(tap * d, tap * d + size * s, s)
                for tap, size, s, d in zip((u, v), g.shape[2:], stride, dilation, strict=True)
            )
            image[:, inputs, rows, columns] += np.moveaxis(product, 3, 1)
    dx[...] = without_padding(image, padding)


def conv2d_dw(g: ndarray, x: ndarray, dw: ndarray, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
    """dw = the windows of x times g, group by group."""
    windows = windows_of(x, dw.shape[2:], stride, padding, dilation)
    for outputs, inputs in channels_of(dw, groups):
        dw[outputs] = np.tensordot(g[:, outputs], windows[:, inputs], axes=((0, 2, 3), (0, 2, 3)))


def windows_of(x: ndarray, size: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair) -> ndarray:
    """Return a view (N, C, OH, OW, KH, KW) of the padded x: the elements that each output is made of."""
    reach = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    windows = sliding_window_view(padded(x, padding), reach, axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def padded(x: ndarray, padding: Pair) -> ndarray:
    """Return x with zeros around each image."""
    return np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))


def without_padding(image: ndarray, padding: Pair) -> ndarray:
    """Return the view of a padded image that leaves the padding out."""
    return image[:, :, padding[0] : image.shape[2] - padding[0], padding[1] : image.shape[3] - padding[1]]


def channels_of(w: ndarray, groups: int) -> Iterator[tuple[slice, slice]]:
    """Give the output and the input channels of each group."""
    outputs, inputs = w.shape[0] // groups, w.shape[1]
    for group in range(groups):
        yield slice(group * outputs, (group + 1) * outputs), slice(group * inputs, (group + 1) * inputs)
