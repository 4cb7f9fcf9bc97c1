"""What test_functions.py compares with PyTorch: expressions, each run with m = minidl and m = torch.

`m` is the library, `F` its nn.functional, `np` NumPy, the capital letters are Tensors (see `inputs`).
"""

from __future__ import annotations

from typing import Any

import numpy as np


def inputs() -> dict[str, Any]:
    """Return the arrays that the expressions name, always the same."""
    rng = np.random.default_rng(0)
    draw, nan, inf = rng.standard_normal, np.nan, np.inf
    return {
        # floating: matrices, vectors, 0-d, more dimensions, positive, none
        "A": draw((2, 3)), "B": draw(3), "C": draw((2, 3)) + np.where(draw((2, 3)) > 0, 2, -2), "M": draw((3, 4)),
        "Q": draw((3, 3)), "V": draw(3), "V4": draw(4), "B4": draw(4), "S": np.array(0.7), "T": draw((2, 3, 4)),
        "M4": draw((4, 2)), "Y": draw((1, 2, 1)), "E": np.zeros((0, 3)), "P": rng.uniform(0.3, 2, (2, 3)),
        # images with filters and biases
        "X": draw((2, 2, 5, 6)), "K2": draw((2, 2, 3, 2)), "B2": draw(2),
        # ties and zeros; beside NaN and infinity; that need no gradient
        "D": np.array([[1.0, 1.0, 0.0], [2.0, 5.0, 5.0]]), "Z": np.array([0.0, 0.0, 1.0, 2.0, 0.0, 0.0]),
        "P6": np.array([0.0, 0.5, 1.0, 2.0, 3.0, -1.0]), "A6": np.array([0.5, -1.0, 2.0, -2.0, 1.0, 0.0]),
        "W": np.array([nan, inf, -inf, 0.0, -0.0, 300.0]), "R3": rng.uniform(0.3, 2, 3),
        # integers, booleans, indices, labels
        "I": rng.integers(0, 5, (2, 3)), "U": rng.random((2, 3)) < 0.5, "K": rng.integers(0, 3, (2, 3)),
        "L": np.array([1, 0]), "L4": rng.integers(0, 3, (2, 4)),
    }  # fmt: skip


CONSTANTS = ("W", "R3")  # floating, but without a gradient

EXPRESSIONS = {
    "operators": """
        A + B
        A + 2
        2 - A
        A - S
        A * C
        A / C
        3 / C
        A % C
        A ** 2
        P ** A
        2 ** A
        P ** 0.5
        A ** 3.0
        -A
        +A
        abs(A)
        A @ M
        V @ M
        M.T @ V
        V @ V
        T @ V4
        m.mm(A, M)
        m.mv(A, V)
        m.dot(V, V)
        m.outer(V, V4)
        m.bmm(T, T.transpose(1, 2))
        m.addmm(B4, A, M, beta=0.5, alpha=2)
        A.addmm(A, Q)
        A == A
        A == C
        A != 0
        A < C
        A <= 0
        A > S
        A >= C
        m.eq(I, 2)
        m.ne(I, 2)
        m.lt(A, C)
        I.ne(2)
        A.lt(0)
        A.le(S)
        A.gt(C)
        A.ge(0)
        A.detach() // C.detach()
        A.detach() // 0.7
        -7 % C.detach()
        m.sign(A6)
        T @ M4
        m.matmul(T, M4)
        m.matmul(V, T[0])
        m.matmul(T[:, None], T.transpose(1, 2))
        m.bitwise_and(I, 6)
        m.bitwise_or(I, 6)
        I.bitwise_and(6)
        I.bitwise_or(6)
        I.clone().bitwise_and_(6)
        I.clone().bitwise_or_(6)
        I.clone().bitwise_xor_(6)
        I.clone().floor_divide_(2)
        I.clone().remainder_(2)
        m.bitwise_xor(U, ~U)
        m.bitwise_not(I)
    """,
    "elementwise": """
        m.exp(A)
        m.expm1(A)
        m.log(P)
        m.log1p(P)
        m.log(A)
        m.sqrt(P)
        m.sqrt(A)
        m.rsqrt(P)
        m.square(A)
        m.reciprocal(C)
        m.sin(A)
        m.cos(A)
        m.tanh(A)
        m.sigmoid(A)
        m.erf(A)
        m.abs(A)
        m.absolute(A)
        m.sign(A)
        m.floor(A)
        m.ceil(A)
        m.round(A)
        m.round(A * 10, decimals=1)
        A.round(decimals=2)
        m.trunc(A)
        m.relu(A)
        m.neg(A)
        m.sigmoid(W)
        m.tanh(W)
        m.exp(W)
        m.relu(W)
        m.log1p(W)
        m.abs(W)
        m.floor(W)
        m.sqrt(W)
        m.maximum(W, A6)
        m.minimum(W, A6)
        m.clamp(W, -1, 1)
        m.isnan(W)
        m.isinf(W)
        m.isfinite(W)
        m.isfinite(I)
        m.isnan(I)
        m.exp(I)
        m.sigmoid(I)
        m.sqrt(I)
        m.tanh(U)
        m.abs(I)
        m.sign(I)
        m.floor(I)
        m.round(I)
        m.relu(I)
        m.square(I)
        m.reciprocal(I)
        m.neg(I)
        m.logical_and(U, U.logical_not())
        m.logical_or(I, U)
        m.logical_not(I)
        m.logical_and(A, I)
        U & U.T.T
        U | (A > 0)
        ~U
        U ^ U
        I & 3
        I | 1
        ~I
        I ^ 5
        I + 1
        I / 2
        I // 2
        I % 2
        I ** 2
        -I // 2
        -I % 3
        I - I
        I * 0.5
        U + U
        U * 2
        U / 1
        U.sum()
    """,
    "arithmetic": """
        m.add(A, B, alpha=2)
        m.sub(A, B, alpha=0.5)
        A.sub(1, alpha=3)
        m.mul(A, 2)
        m.div(A, C, rounding_mode="floor")
        m.div(A, C, rounding_mode="trunc")
        m.div(I, 2, rounding_mode="floor")
        m.div(-I, 2, rounding_mode="trunc")
        m.div(-I, I + 1, rounding_mode="floor")
        m.div(I, 2)
        m.true_divide(I, 2)
        m.remainder(A, 0.7)
        m.remainder(A, -0.7)
        m.remainder(A, C)
        m.remainder(-I, 3)
        m.pow(A, 2)
        m.pow(2.0, A)
        m.pow(P, A)
        m.pow(I, 3)
        m.pow(I, 0.5)
        m.pow(Z, 0)
        m.pow(Z, 2)
        m.pow(Z, 0.5)
        m.pow(Z, Z)
        m.pow(Z, P6)
        m.maximum(A, C)
        m.minimum(A, C)
        m.maximum(A, A)
        m.minimum(A, A * 1)
        m.maximum(I, I.flip(0))
        m.clamp(A, -0.5, 0.5)
        m.clamp(A, min=0)
        m.clamp(A, max=0.1)
        A.clamp(min=S)
        A.clamp(C, C + 1)
        A.clip(0, 1)
        m.clip(A, 0, 1)
        I.clamp(1, 3)
        m.clamp(I, 0.5)
        m.where(U, A, C)
        m.where(U, A, 0.0)
        m.where(U, 1.0, A)
        m.where(A > 0, A, -A)
        A.where(U, C)
        m.where(U, 1, I)
        m.where(U, S, B)
        m.where(U, 1.5, 2.5)
        m.where(U, 1, 2)
        m.masked_fill(A, U, 5.0)
        A.masked_fill(U[:1], S.detach())
        I.masked_fill(U, 7)
        m.equal(A, A)
        m.equal(A, C)
        m.equal(A, B)
        m.isclose(A, A + 1e-9)
        m.allclose(A, A + 1e-9)
        A.allclose(C)
        m.isclose(W, W, equal_nan=True)
    """,
    "reductions": """
        m.sum(A)
        A.sum(0)
        A.sum(-1)
        A.sum(axis=1, keepdims=True)
        A.sum((0, 1))
        A.sum(dim=1, keepdim=True)
        A.sum(dim=(0,), keepdim=True)
        T.sum((0, -1))
        A.sum(())
        S.sum()
        S.sum(0)
        S.sum(-1)
        E.sum()
        E.sum(0)
        E.sum(1)
        I.sum()
        I.sum(dtype=m.float64)
        A.sum(dtype=m.float32)
        m.sum(U, 1)
        m.sum(A, dim=[0, 1])
        m.mean(A)
        A.mean(0)
        A.mean(-1, keepdim=True)
        A.mean((0, 1))
        S.mean()
        E.mean(1)
        E.mean()
        E.mean(0)
        I.mean(dtype=m.float64)
        m.var(A)
        A.var(0)
        A.var(1, unbiased=False)
        A.var(dim=1, correction=0)
        A.var(dim=(0, 1), keepdim=True)
        A.var(0, True)
        A.var(0, False, True)
        A.var(False)
        A.std()
        A.std(1)
        A.std(0, keepdim=True)
        A.std(dim=1, correction=0)
        A.std(unbiased=False)
        m.std(T, (0, 2))
        m.max(A)
        m.min(A)
        A.max(1)
        A.max(axis=1)
        A.min(0)
        A.max(dim=-1, keepdim=True)
        A.max(1).values
        A.min(1).indices
        m.max(A, C)
        m.min(A, C)
        A.max(C)
        S.max()
        S.max(0)
        S.min(-1, keepdim=True)
        I.max(1)
        I.max()
        E.max(1)
        T.max(1)
        m.max(D)
        m.max(D, 1)
        m.amax(D)
        m.amax(D, 1)
        A.amax()
        A.amax(1)
        A.amax((0, 1), keepdim=True)
        A.amin(0)
        m.amin(D, 0)
        W.max()
        W.min()
        W.max(0)
        W.min(0)
        W.amax()
        m.argmax(W)
        m.argmin(W)
        m.argmax(A)
        A.argmax(1)
        A.argmax(axis=0)
        A.argmin(0, keepdim=True)
        A.argmax(-1)
        A.argmax(keepdim=True)
        S.argmax()
        S.argmax(0)
        m.argmin(D, 1)
        m.argmax(I, dim=0)
        m.all(U)
        U.all(0)
        U.any(1, keepdim=True)
        U.any()
        I.all()
        A.any(0)
        U.all((0, 1))
        E.all()
        E.any()
        E.all(0)
        E.any(1)
        m.logsumexp(A, 1)
        A.logsumexp((0, 1))
        A.logsumexp(0, True)
        S.logsumexp(0)
        m.logsumexp(A * 1000, 1)
        m.logsumexp(W, 0)
        m.logsumexp(E, 0)
        m.logsumexp(I, 0)
        m.norm(A)
        A.norm(1)
        A.norm(p=3, dim=1)
        A.norm(dim=0, keepdim=True)
        A.norm(2, 1)
        A.norm(float("inf"))
        A.norm(float("inf"), 1)
        A.norm(float("-inf"))
        m.norm(Z)
        m.norm(A, "fro", (0, 1))
        m.softmax(A, 1)
        A.softmax(0)
        A.softmax(-1)
        m.softmax(A, dim=1, dtype=m.float32)
        S.softmax(0)
        E.softmax(1)
        E.softmax(0)
        m.softmax(A * 1e4, 1)
        m.softmax(W, 0)
        m.log_softmax(A, 1)
        A.log_softmax(-1)
        m.log_softmax(A * 1e4, 1)
        m.log_softmax(S, 0)
        m.log_softmax(I.double(), 0)
        A.detach().norm(0)
        m.std(S)
        A[:1].var(0)
        A[:, :1].std(1)
        E.var()
        A.detach().var(dim=0, correction=2)
    """,
    "shapes": """
        A.reshape(3, 2)
        A.reshape((6,))
        A.reshape(-1)
        A.reshape(3, -1)
        A.reshape([1, 6])
        m.reshape(A, (1, 2, 3))
        S.reshape(1)
        A[:1, :1].reshape(())
        E.reshape(3, 0)
        A.view(3, 2)
        A.view(-1)
        A.view((2, 1, 3))
        A.view_as(A)
        A.reshape_as(A.T)
        A.flatten()
        T.flatten(1)
        T.flatten(0, 1)
        T.flatten(-2)
        S.flatten()
        m.flatten(T, 1, 2)
        A.ravel()
        m.ravel(T)
        T.unflatten(2, (2, 2))
        T.unflatten(-1, (2, -1))
        m.unflatten(A, 1, (3, 1))
        T.permute(2, 0, 1)
        T.permute((0, 2, 1))
        m.permute(T, (1, 0, -1))
        A.transpose(0, 1)
        T.transpose(-1, 0)
        T.swapaxes(0, 1)
        S.transpose(0, -1)
        A.t()
        m.t(A)
        B.t()
        S.t()
        A.T
        A.mT
        T.mT
        T.movedim(0, 2)
        m.movedim(T, (0, 1), (1, 0))
        T.movedim(-1, 0)
        Y.squeeze()
        m.squeeze(Y)
        m.squeeze(Y, 0)
        Y.squeeze(0)
        Y.squeeze(1)
        Y.squeeze((0, -1))
        Y.squeeze(-1)
        S.squeeze()
        S.squeeze(0)
        A.unsqueeze(0)
        A.unsqueeze(-1)
        A.unsqueeze(1)
        S.unsqueeze(0)
        m.unsqueeze(B, dim=-2)
        B.expand(2, 3)
        B.expand(-1)
        V.unsqueeze(1).expand(-1, 4)
        B.expand(2, -1)
        B.expand((2, 2, 3))
        S.expand(2)
        S.expand(2, 2)
        B.expand_as(A)
        m.broadcast_to(B, (2, 3))
        B.broadcast_to((4, 3))
    """,
    "joining and repeating": """
        m.cat([A, C])
        m.cat((A, C), 1)
        m.cat((A, C), axis=1)
        m.cat([A, C], dim=-1)
        m.cat([A, I])
        m.cat([I, U])
        m.cat([A])
        m.cat([A, E])
        m.cat([A, m.zeros(0)])
        m.concat([B, B])
        m.stack([A, C])
        m.stack([A, C], 1)
        m.stack((A, C), dim=-1)
        m.stack([S, S])
        m.stack([A, A.float()])
        m.split(T, 2)
        m.split(T, 2, dim=2)
        m.split(T, 3, dim=-1)
        m.split(T, [1, 3], dim=2)
        A.split(1)
        E.split(2)
        m.chunk(T, 2, dim=2)
        m.chunk(T, 3, 2)
        m.chunk(V4, 3)
        m.chunk(A, 5, 1)
        E.chunk(3)
        m.unbind(A)
        A.unbind(1)
        m.flip(A, (0,))
        m.flip(A, [0, 1])
        A.flip(1)
        A.flip(0, -1)
        A.repeat(2, 2)
        B.repeat(2, 1)
        B.repeat(3)
        A.repeat(1, 1, 2)
        S.repeat(3)
        A.repeat((2, 1))
        A.repeat(0, 1)
        m.clone(A)
        A.clone()
        A.T.contiguous()
        m.narrow(A, 1, 0, 2)
        A.narrow(1, 1, 2)
        A.narrow(0, -1, 1)
        m.select(A, 1, 0)
        A.select(0, -1)
    """,
    "indexing": """
        A[0]
        A[-1]
        A[0, 1]
        A[:, 1]
        A[..., 0]
        A[:, 1:]
        A[::2, ::2]
        A[None]
        A[:, None, 1]
        A[...]
        A[()]
        A[1:1]
        A[0:10]
        A[-5:2]
        A[I[0, :2] * 0]
        A[[0, 1, 0]]
        A[[0, 1], [1, 2]]
        A[:, [0, 2]]
        A[[0, 1], :2]
        A[U]
        A[A > 0]
        A[:, U[0]]
        A[U[:, 0]]
        A[m.tensor([1, 0])]
        A[m.tensor(1)]
        A[m.tensor([[0, 1], [1, 0]])]
        A[0, [0, 0]]
        A[[-1, 0]]
        A[m.tensor(True)]
        A[True]
        A[[]]
        T[:, [0, 1], :]
        T[:, [0, 1], [2, 3]]
        T[[0, 1], :, [2, 3]]
        T[..., [0, 0]]
        T[0, ..., 1]
        T[:, None, [1]]
        T[m.tensor([1, 0]), 1:, m.tensor([0, 0])]
        S[None]
        S[...]
        S[()]
        m.gather(A, 1, K)
        A.gather(0, K * 0)
        m.gather(A, -1, K[:1])
        m.gather(S, 0, m.tensor(0))
        m.gather(V, 0, m.tensor([2, 2, 0, 0]))
        m.take_along_dim(A, K, 1)
        m.take_along_dim(A, K[:, :1], dim=1)
        m.take_along_dim(A, m.tensor([5, 0]))
        A.take_along_dim(m.argmax(A, 1, True), 1)
        m.index_select(A, 1, m.tensor([0, 0, 2]))
        A.index_select(0, m.tensor([1]))
        m.masked_select(A, U)
        A.masked_select(U[0])
        m.nonzero(I)
        m.nonzero(U, as_tuple=True)
        I.nonzero()
        m.nonzero(S.detach())
        m.nonzero(m.tensor(0))
    """,
    "conversion": """
        A.float()
        A.double()
        A.half()
        A.int()
        A.long()
        A.bool()
        U.float()
        A.to(m.float32)
        A.to(I)
        A.to("cpu")
        A.to("cpu", m.float32)
        A.to(dtype=m.int64)
        A.type_as(I)
        A.cpu()
        A.detach()
    """,
    "creation": """
        m.zeros(2, 3)
        m.zeros((2,))
        m.zeros([1, 2], dtype=m.int64)
        m.zeros(())
        m.zeros(0)
        m.zeros(size=(2, 3))
        m.ones(2, dtype=m.bool)
        m.full((2, 2), 3)
        m.full((2,), 1.5)
        m.full((), True)
        m.full((2,), 7, dtype=m.float32)
        m.full(size=(1,), fill_value=2)
        m.zeros_like(I)
        m.empty_like(I).shape
        m.ones_like(A)
        m.full_like(I, 3)
        m.full_like(A, 2.5, dtype=m.int64)
        m.zeros_like(A, dtype=m.bool)
        m.arange(5)
        m.arange(1, 4)
        m.arange(1, 2, 0.25)
        m.arange(5, 0, -2)
        m.arange(3.0)
        m.arange(0)
        m.arange(1, 6, 2, dtype=m.float64)
        m.arange(end=3)
        m.arange(start=1, end=3)
        m.arange(0.0, 1.0, 0.1)
        m.linspace(0, 1, 5)
        m.linspace(-1, 1, 1)
        m.linspace(3, 10, steps=4)
        m.linspace(0, 10, 3, dtype=m.int64)
        m.linspace(0, 1, 0)
        m.eye(3)
        m.eye(2, 3)
        m.eye(0)
        m.eye(2, dtype=m.int64)
        m.tensor(3)
        m.tensor(3.5)
        m.tensor([1, 2])
        m.tensor([1, 2.5])
        m.tensor([True, False])
        m.tensor([True, 2])
        m.tensor([[1, 2], [3, 4]], dtype=m.float64)
        m.tensor([])
        m.tensor([[]])
        m.tensor((1, 2))
        m.tensor(np.arange(3))
        m.tensor(np.float64(1.5))
        m.tensor(np.array([1.5]))
        m.tensor(np.ones((2, 2), np.float32))
        m.tensor([np.float64(1.5)])
        m.tensor([np.arange(2), np.arange(2)])
        m.tensor([m.tensor(1.0), m.tensor(2.0)])
        m.tensor(range(3))
        m.tensor([1, 2], dtype=m.bool)
        m.tensor(1.7, dtype=m.int64)
        m.as_tensor([1, 2])
        m.as_tensor(np.ones(2))
        m.as_tensor(A)
        m.as_tensor([1.5], dtype=m.float64)
        m.from_numpy(np.arange(3.0))
        m.Tensor([1, 2])
        m.Tensor(2, 0)
        A.new_zeros(2)
        A.new_ones((2, 3))
        A.new_full((2,), 3)
        A.new_tensor([1, 2])
        I.new_zeros(1, dtype=m.float32)
    """,
    "properties": """
        A.size()
        A.size(0)
        A.size(-1)
        A.shape
        A.dim()
        A.ndim
        A.numel()
        A.nelement()
        A.element_size()
        A.itemsize
        A.nbytes
        A.stride()
        A.T.stride()
        A.is_contiguous()
        A.T.is_contiguous()
        A.is_floating_point()
        I.is_floating_point()
        A.requires_grad
        A.is_leaf
        (A * 2).is_leaf
        A.tolist()
        S.item()
        S.tolist()
        I.tolist()
        U.tolist()
        len(A)
        list(A)
        float(S)
        int(m.tensor(3.7))
        bool(m.tensor(0.0))
        bool(m.tensor([1]))
        [10, 20, 30][m.tensor(1)]
        1.5 in m.tensor([1.0, 1.5])
        f"{S:.3f}"
        m.promote_types(m.int64, m.float16) == m.float16
        m.promote_types(m.uint8, m.int8) == m.int16
    """,
    "layers": """
        F.relu(A)
        F.leaky_relu(A)
        F.leaky_relu(A, 0.2)
        F.leaky_relu(W)
        F.gelu(A)
        F.gelu(A, approximate="tanh")
        F.gelu(W)
        F.silu(A)
        F.silu(W)
        F.softplus(A)
        F.softplus(A * 30)
        F.softplus(A, beta=2, threshold=1)
        F.softplus(W)
        F.softmax(A, dim=1)
        F.log_softmax(A, dim=-1)
        F.tanh(A)
        F.sigmoid(A)
        F.linear(A, M.T)
        F.linear(A, M.T, V4)
        F.linear(V, M.T, V4)
        F.linear(T.transpose(1, 2), M.T)
        F.linear(E, M.T, V4)
        F.linear(A[:0], M.T)
        F.conv2d(X, K2)
        F.conv2d(X, K2, B2)
        F.conv2d(X, K2, stride=2, padding=1)
        F.conv2d(X, K2, B2, (1, 2), (2, 0), (2, 1))
        F.conv2d(X, K2, padding="same")
        F.conv2d(X, K2, padding="valid")
        F.conv2d(X[0], K2, B2)
        F.conv2d(X, K2[:, :1], groups=2)
        F.max_pool2d(X, 2)
        F.max_pool2d(X, 2, 1)
        F.max_pool2d(X, (2, 3), padding=(1, 1))
        F.max_pool2d(X, 2, ceil_mode=True)
        F.max_pool2d(X, 3, 2, 1, return_indices=True)
        F.max_pool2d(X[0], 2, dilation=2)
        F.dropout(A, 0.0)
        F.dropout(A, 0.5, training=False)
        F.dropout(A, 1.0)
    """,
    "losses": """
        F.mse_loss(A, C)
        F.mse_loss(A, C, reduction="sum")
        F.mse_loss(A, C, reduction="none")
        F.mse_loss(E, E)
        F.l1_loss(A, C)
        F.l1_loss(A, C, reduction="none")
        F.l1_loss(A, A)
        F.cross_entropy(A, L)
        F.cross_entropy(A, L, reduction="none")
        F.cross_entropy(A, L, reduction="sum")
        F.cross_entropy(A, L, weight=R3)
        F.cross_entropy(A, L, weight=R3, reduction="sum")
        F.cross_entropy(A, L, ignore_index=1)
        F.cross_entropy(A, L * 0 + 1, ignore_index=1)
        F.cross_entropy(A, L, ignore_index=1, reduction="none")
        F.cross_entropy(A, L, label_smoothing=0.1)
        F.cross_entropy(A, L, weight=R3, label_smoothing=0.1)
        F.cross_entropy(A, L, weight=R3, label_smoothing=0.1, ignore_index=2)
        F.cross_entropy(A, L, label_smoothing=0.2, reduction="none", weight=R3)
        F.cross_entropy(A, C.softmax(1))
        F.cross_entropy(A, C.softmax(1), weight=R3, label_smoothing=0.1)
        F.cross_entropy(A, C.softmax(1), reduction="none")
        F.cross_entropy(V, m.tensor(1))
        F.cross_entropy(V, m.tensor(1), reduction="none")
        F.cross_entropy(V, C[0].softmax(0))
        F.cross_entropy(T, L4)
        F.cross_entropy(T, L4, reduction="none", weight=R3)
        F.cross_entropy(A * 1e4, L)
        F.cross_entropy(A[:0], L[:0])
        F.cross_entropy(A[:0], L[:0], reduction="sum")
        F.nll_loss(A.log_softmax(1), L)
        F.nll_loss(A, L, weight=R3)
        F.nll_loss(A, L, reduction="none", ignore_index=1)
        F.nll_loss(V, m.tensor(0))
        F.nll_loss(T, L4)
        F.one_hot(L, 4)
        F.one_hot(L)
        F.one_hot(m.tensor(1), 3)
        F.one_hot(L4, 3)
        F.one_hot(L[:0], 3)
        F.cross_entropy(A[:0], L[:0], reduction="none")
    """,
}

# what both refuse, by the class that PyTorch raises
ERRORS: dict[type[Exception], str] = {
    RuntimeError: """
        A + V4
        A @ A
        A @ V4
        A @ S
        m.mm(A, V)
        m.mm(A, A)
        m.bmm(A, A)
        m.bmm(T, T[:1])
        m.mv(A, A)
        m.dot(A, A)
        m.dot(V, V4)
        m.outer(A, V)
        m.addmm(A, A, A)
        A @ I
        A @ M.float()
        A.sum((0, 0))
        I.mean()
        U.mean()
        I.var()
        I.std()
        E.max()
        E.amax()
        A.norm("abc")
        I.norm()
        I.softmax(0)
        I.log_softmax(0)
        A.reshape(4)
        A.reshape(-1, -1)
        A.reshape(-2, 3)
        A.reshape(5, -1)
        A.T.view(6)
        A.view(4)
        A.flatten(1, 0)
        A.unflatten(1, (2, 2))
        A.permute(0)
        A.permute(0, 0)
        T.t()
        A.movedim((0, 1), (0,))
        B.expand(2)
        B.expand(3, 2)
        A.expand(3)
        B.expand(-1, 3)
        m.broadcast_to(B, (2, 4))
        m.cat([A, V])
        m.cat([A, Q], 1)
        m.cat([S, S])
        m.stack([])
        m.stack([A, V])
        A.split(0)
        A.split(-1)
        A.split([1, 2])
        A.chunk(0)
        A.flip(0, 0)
        A.repeat(2)
        A.narrow(1, 2, 2)
        m.gather(A, 1, m.tensor([[5]]))
        m.gather(A, 1, m.tensor([[-1]]))
        m.gather(A, 1, m.tensor([0]))
        m.gather(A, 1, K.double())
        m.take_along_dim(A, m.tensor([0]), 1)
        m.index_select(A, 0, m.tensor([0.5]))
        m.masked_select(A, I)
        m.where(A, A, A)
        m.where(I, A, A)
        m.masked_fill(A, I, 0.0)
        m.clamp(A)
        m.div(A, C, rounding_mode="up")
        m.pow(I, -1)
        A & A
        U - U
        -U
        m.zeros(-1)
        m.arange(1, 0)
        m.arange(0, 1, 0)
        m.arange(0, float("inf"))
        m.linspace(0, 1, -1)
        m.eye(-1)
        m.rand(2, dtype=m.int64)
        m.randn(-1)
        m.randint(5, 5, (1,))
        m.randint(0, (1,))
        m.randperm(-1)
        m.bernoulli(m.tensor([2.0]))
        m.multinomial(m.tensor([-1.0, 1.0]), 1)
        m.multinomial(m.tensor([0.0, 0.0]), 1)
        m.normal(0.0, -1.0, (2,))
        m.tensor(None)
        m.tensor([None])
        m.tensor({})
        m.tensor(object())
        m.tensor([1, 2], requires_grad=True)
        A.item()
        A.numpy()
        bool(A)
        bool(E)
        (A * 2).requires_grad_(False)
        I.requires_grad_()
        A.to("abc")
        A.to(3)
        F.linear(A, M)
        F.linear(A, Q, V4)
        F.linear(I, Q)
        F.linear(A.float(), Q)
        F.conv2d(A, K2)
        F.conv2d(X, K2[0])
        F.conv2d(X, K2[:, :1])
        F.conv2d(X, K2, V)
        F.conv2d(X, K2, stride=0)
        F.conv2d(X, K2, padding=-1)
        F.conv2d(X, K2, dilation=0)
        F.conv2d(X, K2, groups=3)
        F.conv2d(X, K2, groups=0)
        F.conv2d(X, K2, padding="abc")
        F.conv2d(X, K2, stride=2, padding="same")
        F.conv2d(X[..., :1, :1], K2)
        F.conv2d(X.float(), K2)
        F.conv2d(X, K2, stride=(1, 2, 3))
        F.max_pool2d(A, 2)
        F.max_pool2d(X, 0)
        F.max_pool2d(X, 2, padding=2)
        F.max_pool2d(X[..., :1, :1], 2)
        F.max_pool2d(X, 2, 0)
        F.mse_loss(A, V4)
        F.cross_entropy(A, m.tensor([0.0, 1.0]))
        F.cross_entropy(A, m.tensor([[0], [1]]))
        F.cross_entropy(A, L, weight=V4)
        F.cross_entropy(A, L, weight=B)
        F.cross_entropy(A, L, label_smoothing=2.0)
        F.cross_entropy(I, L)
        F.cross_entropy(S, m.tensor(0))
        F.nll_loss(A, m.tensor([0.0, 1.0]))
        F.one_hot(m.tensor([0.5]))
        F.one_hot(m.tensor([-1]))
        F.one_hot(m.tensor([3]), 2)
        F.one_hot(m.zeros(0, dtype=m.int64))
        F.gelu(A, approximate="abc")
        A.backward()
        I.backward()
        A.uniform_(1, 0)
        m.autograd.grad(A, A)
        m.ones(1).register_hook(print)
    """,
    TypeError: """
        A * "a"
        A + None
        A @ 2
        A.sum("a")
        A.sum(1.5)
        m.softmax(A)
        A.reshape("a")
        m.cat(A)
        m.cat([A, 1])
        m.masked_fill(A, U, "a")
        ~A
        m.zeros("a")
        m.zeros(2.5)
        m.full((2,), "a")
        m.tensor("abc")
        m.tensor([1, "a"])
        m.tensor([1], dtype="abc")
        m.from_numpy([1])
        m.from_numpy(np.array(["a"]))
        m.as_tensor("a")
        [1][A]
        [1][S]
        iter(S)
        m.promote_types(m.int64, 3)
        F.softplus("a")
        F.relu("a")
        m.add(A)
        m.exp()
        m.sum(A, foo=1)
        m.isclose(A, "a")
        m.rand(2, generator=5)
        A.new_tensor("a")
        m.autograd.backward(3)
    """,
    IndexError: """
        A.sum(2)
        A.sum(-3)
        A.max(2)
        A.argmax(5)
        E.argmax()
        E.max(0)
        E.min(0)
        E.argmax(0)
        E.amax(0)
        A.softmax(2)
        m.log_softmax(A, 3)
        A.flatten(0, 3)
        A.permute(0, 2)
        A.transpose(0, 2)
        A.movedim(0, 5)
        A.squeeze(3)
        A.unsqueeze(4)
        A.unsqueeze(-4)
        m.cat([A, C], 2)
        m.stack([A, C], 5)
        A.split(1, 2)
        S.unbind()
        A.flip(2)
        A.narrow(2, 0, 1)
        A.select(0, 2)
        S.select(0, 0)
        A[2]
        A[0, 3]
        A[0, 0, 0]
        A[1.5]
        A[[0, 5]]
        A[m.tensor([0.5])]
        A[U[0]]
        A[m.tensor([True, False, True])]
        S[0]
        A[[0, 1], [0, 1, 2]]
        m.gather(A, 2, K)
        m.index_select(A, 0, m.tensor([2]))
        m.index_select(A, 0, m.tensor([[0]]))
        A.size(2)
        F.cross_entropy(A, m.tensor([0, 5]))
        F.cross_entropy(A, m.tensor([0, -1]))
        F.nll_loss(A, m.tensor([0, 3]))
        m.logsumexp(A, 3)
    """,
    ValueError: """
        m.cat([])
        A[::-1]
        m.tensor([[1, 2], [3]])
        m.tensor(2**70)
        int(A)
        float(A)
        F.dropout(A, 1.5)
        F.dropout(A, -0.1)
        F.mse_loss(A, C, reduction="abc")
        F.l1_loss(A, C, reduction="")
        F.cross_entropy(A, m.tensor([0, 1, 2]))
        F.cross_entropy(A, L, reduction="abc")
    """,
}


def lines(text: str) -> list[str]:
    """Return the expressions of a text."""
    return [line.strip() for line in text.strip().splitlines()]
