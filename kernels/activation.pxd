# The activations by which linear and rnn may finish their output.
# Twin: minidl/reference/_activation.py

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
