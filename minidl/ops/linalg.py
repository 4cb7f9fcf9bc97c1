"""Linear algebra that NumPy's LAPACK computes: equations, determinants, and two ways to take a matrix apart.

Source of the derivatives: Giles 2008, "An extended collection of matrix derivative results".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import LinAlgError
from ..operation import primitive, sum_to
from .elementwise import eq, where
from .linear import matmul, swapped
from .reduce import sum
from .shape import reshape


def answered(solver: Any, *arrays: Any, **options: Any) -> Any:
    """Return what NumPy's solver answers; where there is no answer, its reason is ours."""
    try:
        return solver(*arrays, **options)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"{solver.__name__}: {str(error).lower()}, so there is no answer") from None


@primitive
def solve(a: Any, b: Any) -> Any:
    """y with a y = b, for matrices a (..., n, n) and b (..., n, k); leading dimensions broadcast."""
    return answered(np.linalg.solve, a, b)


def solve_da(g: Any, a: Any, a_shape: Any, out: Any) -> Any:
    """-(a⁻ᵀ g) yᵀ, as y = a⁻¹ b and d(a⁻¹) = -a⁻¹ da a⁻¹."""
    return -sum_to(matmul(solve(swapped(a), g), swapped(out)), shape=a_shape)


@primitive
def det(x: Any) -> Any:
    """y = the determinant of each matrix."""
    return np.linalg.det(x)


@primitive
def cofactor(x: Any) -> Any:
    """y = det(x) x⁻ᵀ, the slope of det, which exists for a singular x too.

    With x = u diag(s) v it is det(u v) u diag(t) v, t_i being the product of all s but s_i: nothing is divided by.
    """
    finite = np.isfinite(x).all((-2, -1), keepdims=True)
    u, s, v = np.linalg.svd(np.where(finite, x, 0), full_matrices=False)
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(-1)
    turned = (np.linalg.det(u) * np.linalg.det(v))[..., None]
    return np.where(finite, np.matmul(u * (turned * others)[..., None, :], v), x.dtype.type(np.nan))


def det_dx(g: Any, x: Any, x_shape: Any) -> Any:
    """The slope of each matrix."""
    return reshape(g, shape=(*x_shape[:-2], 1, 1)) * cofactor(x)


def cofactor_dx(g: Any, x: Any, out: Any) -> Any:
    """<g, y> x⁻ᵀ - y gᵀ x⁻ᵀ; x must not be singular."""
    y = solve(swapped(x), np.eye(x.shape[-1], dtype=x.dtype))
    return sum(g * out, dim=(-2, -1), keepdim=True) * y - matmul(matmul(out, swapped(g)), y)


@primitive
def cholesky(x: Any) -> Any:
    """y = L, lower triangular, with L Lᵀ = x; only the lower triangle of x is read."""
    return answered(np.linalg.cholesky, x)


def cholesky_dx(g: Any, out: Any) -> Any:
    """L⁻ᵀ Φ L⁻¹ made symmetric, Φ the lower triangle of Lᵀ g with half its diagonal."""
    lower, upper = np.tri(out.shape[-1], dtype=out.dtype), swapped(out)
    inner = matmul(upper, g * lower) * (lower - 0.5 * np.eye(out.shape[-1], dtype=out.dtype))
    dx = solve(upper, swapped(solve(upper, inner)))
    return 0.5 * (dx + swapped(dx))


@primitive(outputs=("u", "s", "v"))
def svd(x: Any) -> Any:
    """x = u diag(s) v, s falling and at least 0, the columns of u and the rows of v of length 1 and orthogonal."""
    return answered(np.linalg.svd, x, full_matrices=False)


def svd_dx(g_u: Any, g_s: Any, g_v: Any, u: Any, s: Any, v: Any) -> Any:
    """u (diag ds + (skew(uᵀ du) s + s skew(v dvᵀ)) / (s_j² - s_i²)) v, and what du, dv have outside of u and v."""
    *_, rows, k = u.shape
    across, down = reshape(s, shape=(*s.shape[:-1], 1, k)), reshape(s, shape=(*s.shape, 1))
    gaps, ut, vt = never_zero(across * across - down * down), swapped(u), swapped(v)
    du, dv = matmul(ut, g_u), matmul(v, swapped(g_v))
    inner = ((du - swapped(du)) * across + down * (dv - swapped(dv))) / gaps
    ds = reshape(g_s, shape=(*s.shape[:-1], 1, k))
    dx = matmul(matmul(u, inner) + u * ds, v)
    if rows > k:
        dx = dx + matmul((g_u - matmul(u, du)) / never_zero(across), v)
    if v.shape[-1] > k:
        dx = dx + matmul(u, (g_v - matmul(matmul(g_v, vt), v)) / never_zero(down))
    return dx


def never_zero(x: Any) -> Any:
    """Return x with ∞ for 0: what is divided by it leaves no trace."""
    return where(eq(x, 0.0), float("inf"), x)


solve.defvjp(a=solve_da, b=lambda g, a, b_shape: sum_to(solve(swapped(a), g), shape=b_shape))
det.defvjp(x=det_dx)
cofactor.defvjp(x=cofactor_dx)
cholesky.defvjp(x=cholesky_dx)
svd.defvjp(x=svd_dx)
