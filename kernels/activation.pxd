# What an activation y = f(z) does to a cotangent, for kernels that finish their output with f.
# Twin: minidl/reference/_activation.py

from real cimport real

cdef enum Activation:
    IDENTITY
    RELU
    TANH
    SIGMOID


cdef inline Activation activation_named(name) except *:
    if name == "identity":
        return IDENTITY
    if name == "relu":
        return RELU
    if name == "tanh":
        return TANH
    if name == "sigmoid":
        return SIGMOID
    raise ValueError(f"activation={name!r} is none of 'identity', 'relu', 'tanh', 'sigmoid'")


# g f'(z), with f'(z) written in y = f(z), so that z need not be kept. NaN in y passes through relu, as in PyTorch.
cdef inline real through_activation(real g, real y, Activation activation) noexcept nogil:
    if activation == RELU:
        return 0 if y <= 0 else g
    if activation == TANH:
        return g * (1 - y * y)
    if activation == SIGMOID:
        return g * (y * (1 - y))
    return g


# σ(z) = 1 / (1 + e^-z) from e = e^-|z|: no exponent is positive, so nothing overflows.
cdef inline real sigmoid_from(real z, real e) noexcept nogil:
    return (e if z < 0 else 1) / (1 + e)
