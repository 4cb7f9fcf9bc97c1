"""y = f(x) element by element, and dx = g f'(x): activations and what they are made of, in one pass over memory.

C files: kernels/elementwise/, of which elementwise_unit.h has the formulas; exp, log, erf, tanh and sigmoid of a vector
are in kernels/core/vector_math.h.
Twin: minidl/reference/elementwise.py

a) One pass reads x and writes y. Composed of NumPy's operations GELU took ten, each through memory, backward twenty.
b) Backward computes f'(x) again from x, or from y where that is enough. So a layer keeps one array: an exponential
   costs less than to write its result and to read it back.
c) (1 + tanh z) / 2 is sigmoid(2 z): one exponential, one division, and no digits lost where tanh z is near -1.
d) NumPy's exp, log and tanh are as fast where it has AVX-512, and operations use them; those here serve the tests of
   core/vector_math.h, and tanh's slope.

Forward and backward of 4M numbers, ms: composed before | here | PyTorch 2.13 (float32, AVX-512 on a Zen 4, one thread,
CPU time, interleaved medians):

    gelu, tanh form   62 | 5.0 | 15.6        silu      39 | 5.2 | 7.4
    gelu, exact       76 | 9.0 | 11.4        sigmoid   30 | 4.8 | 4.5
"""

from minidl._kernels.core cimport Core, core

from arrays cimport Arrays, read, release, written

cdef extern from "elementwise/elementwise.h":
    int EXP, LOG, ERF, RELU, TANH, SIGMOID, SILU, GELU, GELU_TANH
    void c_forward "elementwise_forward"(
        const Core *core, int f, const void *x, void *y, ptrdiff_t n, bint is_double
    ) nogil
    void c_backward "elementwise_backward"(
        const Core *core, int f, const void *g, const void *x, void *dx, ptrdiff_t n, bint is_double
    ) nogil

_FORWARD = {
    "exp": EXP, "log": LOG, "erf": ERF, "relu": RELU, "tanh": TANH, "sigmoid": SIGMOID, "silu": SILU, "gelu": GELU,
    "gelu_tanh": GELU_TANH,
}
_BACKWARD = {
    "relu": RELU, "tanh": TANH, "sigmoid": SIGMOID, "silu": SILU, "gelu": GELU, "gelu_tanh": GELU_TANH,
}

# Fewer elements are done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 20_000


def elementwise_forward(x, y, function):
    """y = f(x)

    x  IN   any shape
    y  OUT  the same; it may be x
    function: "exp", "log", "erf", "relu", "tanh", "sigmoid", "silu", "gelu" or "gelu_tanh"

    silu x = x / (1 + e^-x);  gelu x = x/2 (1 + erf(x / sqrt 2));
    gelu_tanh x = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))

    No exponent is positive, so nothing overflows.
    Source: Hendrycks & Gimpel, Gaussian error linear units (2016).
    Twin: minidl/reference/elementwise.py
    """
    cdef int f = _named(function, _FORWARD)
    cdef Py_ssize_t n = x.size
    cdef const Core *shared = core()
    cdef Arrays arrays
    cdef const void *a
    cdef void *b
    arrays.held = arrays.kind = 0
    try:
        a, b = read(&arrays, x, n), written(&arrays, y, n)
        if n < SMALL:
            c_forward(shared, f, a, b, n, arrays.kind == b"d")
        else:
            with nogil:
                c_forward(shared, f, a, b, n, arrays.kind == b"d")
    finally:
        release(&arrays)


def elementwise_backward(g, x, dx, function):
    """dx = g f'(x)

    g   IN   any shape, the cotangent of y
    x   IN   the same: x, or y where the function is "relu", "tanh" or "sigmoid"
    dx  OUT  the same; it may be g
    function: "relu", "tanh", "sigmoid", "silu", "gelu" or "gelu_tanh"

    relu: g where y > 0, else 0;  tanh: 1 - y^2;  sigmoid: y (1 - y);  silu: s (1 + x (1 - s)) with s = sigmoid(x);
    gelu: Phi(x) + x e^(-x^2/2) / sqrt(2 pi), Phi the normal distribution's;
    gelu_tanh: s (1 + x (1 - s) w') with s = sigmoid(w), w = 2 sqrt(2/pi) (x + 0.044715 x^3)

    Source: the chain rule on elementwise_forward.
    Twin: minidl/reference/elementwise.py
    """
    cdef int f = _named(function, _BACKWARD)
    cdef Py_ssize_t n = x.size
    cdef const Core *shared = core()
    cdef Arrays arrays
    cdef const void *cotangent
    cdef const void *a
    cdef void *b
    arrays.held = arrays.kind = 0
    try:
        cotangent, a, b = read(&arrays, g, n), read(&arrays, x, n), written(&arrays, dx, n)
        if n < SMALL:
            c_backward(shared, f, cotangent, a, b, n, arrays.kind == b"d")
        else:
            with nogil:
                c_backward(shared, f, cotangent, a, b, n, arrays.kind == b"d")
    finally:
        release(&arrays)


cdef int _named(function, dict functions) except -1:
    number = functions.get(function)
    if number is None:
        raise ValueError(f"function={function!r} is none of {', '.join(functions)}")
    return number
