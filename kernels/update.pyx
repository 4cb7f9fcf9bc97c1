"""The optimizers' rules: SGD, Adam, RMSprop and Adagrad, one step on several parameters, each in one pass over memory.

Twin: minidl/reference/update.py. C sources: kernels/update/update_unit.h has the rules, update.c divides the work.

a) One pass. NumPy makes a pass over memory for each operator: Adam goes through 25 arrays of w's size, here through 7.
b) A list of parameters a call. A network has 4 to 60, most of them small: a call for each costs 2 us, a further entry
   in the lists .3 to .9, most of it for NumPy's description of 2 to 5 arrays.
c) No chunk depends on another, so parameters of 4 chunks of 65536 elements and more are shared among threads.
d) Bias corrections are worked out in float64 and rounded once. Roots and quotients are exact: a processor's estimates
   with a step of Newton's would be wrong for 0 and infinity, and large parameters wait for memory anyway.

Time of optimizer.step(), against the same in NumPy | against PyTorch 2.13 (float32, AVX-512 on a Zen 4, one thread, CPU
time, interleaved medians):

    SGD, mlp 784-128-10         .40 | .47        Adam, LeNet          .20 | .12        Adagrad, 1M  .20 | .31
    SGD, the same, momentum     .37 | .31        Adam, 1M elements    .18 | .24        RMSprop, 1M  .16 | .28
    SGD, 1M, momentum           .26 | .61        Adam, 10M            .10 | .11
"""

from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.string cimport memcmp, memset

from minidl._kernels.core cimport Core, core

cdef extern from "update/update.h":
    enum:
        ARRAYS
    enum Rule "rule":
        SGD
        ADAM
        RMSPROP
        ADAGRAD
    ctypedef struct Update "struct update":
        Rule rule
        bint is_double
        ptrdiff_t size
        void *arrays[ARRAYS]
        double t
        double lr, momentum, dampening, beta1, beta2, alpha, eps, lr_decay, weight_decay
        bint nesterov, decoupled, maximize
    void c_update "update"(const Core *core, const Update *u) nogil


# Fewer elements are done before another thread could take the GIL.
cdef Py_ssize_t SMALL = 20_000


def update_sgd(list w, list g, v, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """w = w - lr v, with v = momentum v + (1 - dampening) g; nesterov: w = w - lr (g + momentum v)

    w  OUT  a list of arrays of any shapes, read first
    g  IN   a list of arrays of these shapes; weight_decay w is added to them, and maximize turns their sign before
    v  OUT  likewise, read first; None without momentum: w = w - lr g

    Source: Sutskever et al., On the importance of initialization and momentum (2013), eq. 1 to 4.
    Twin: minidl/reference/update.py
    """
    cdef Update u
    memset(&u, 0, sizeof(u))
    u.rule = SGD
    u.lr, u.momentum, u.dampening, u.weight_decay = lr, momentum, dampening, weight_decay
    u.nesterov, u.maximize = nesterov, maximize
    _each(&u, w, g, v, None, None, None)


def update_adam(
    list w, list g, list m, list v, largest, list t, lr, beta1, beta2, eps, weight_decay, decoupled, maximize
):
    """w = w - lr m' / (sqrt(v') + eps), with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)

    m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,  largest = max(largest, v)

    w        OUT  a list of arrays of any shapes, read first
    g        IN   a list of arrays of these shapes; maximize turns their sign
    m, v     OUT  likewise, read first
    largest  OUT  likewise, read first: it stands in v's place in the formula of w; or None
    t        IN   for each the number of this step, from 1
    weight_decay w is added to g; if decoupled, lr weight_decay w is taken from w instead (AdamW).

    Source: Kingma & Ba, Adam (2015), algorithm 1; Loshchilov & Hutter (2019), algorithm 2.
    Twin: minidl/reference/update.py
    """
    cdef Update u
    memset(&u, 0, sizeof(u))
    u.rule = ADAM
    u.lr, u.beta1, u.beta2, u.eps, u.weight_decay = lr, beta1, beta2, eps, weight_decay
    u.decoupled, u.maximize = decoupled, maximize
    _each(&u, w, g, m, v, largest, t)


def update_rmsprop(list w, list g, list v, mean, b, lr, alpha, eps, weight_decay, momentum, maximize):
    """w = w - lr b, with b = momentum b + g / (sqrt(v - mean^2) + eps)

    v = alpha v + (1 - alpha) g^2,  mean = alpha mean + (1 - alpha) g

    w     OUT  a list of arrays of any shapes, read first
    g     IN   a list of arrays of these shapes; weight_decay w is added to them, and maximize turns their sign before
    v     OUT  likewise, read first
    mean  OUT  likewise, read first; or None: 0
    b     OUT  likewise, read first; or None: no momentum

    Source: Graves, Generating sequences with recurrent neural networks (2013), eq. 38 to 41.
    Twin: minidl/reference/update.py
    """
    cdef Update u
    memset(&u, 0, sizeof(u))
    u.rule = RMSPROP
    u.lr, u.alpha, u.eps, u.weight_decay, u.momentum, u.maximize = lr, alpha, eps, weight_decay, momentum, maximize
    _each(&u, w, g, v, mean, b, None)


def update_adagrad(list w, list g, list s, list t, lr, lr_decay, eps, weight_decay, maximize):
    """w = w - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps), with s = s + g^2

    w  OUT  a list of arrays of any shapes, read first
    g  IN   a list of arrays of these shapes; weight_decay w is added to them, and maximize turns their sign before
    s  OUT  likewise, read first
    t  IN   for each the number of this step, from 1

    Source: Duchi, Hazan & Singer, Adaptive subgradient methods (2011), eq. 1.
    Twin: minidl/reference/update.py
    """
    cdef Update u
    memset(&u, 0, sizeof(u))
    u.rule = ADAGRAD
    u.lr, u.lr_decay, u.eps, u.weight_decay, u.maximize = lr, lr_decay, eps, weight_decay, maximize
    _each(&u, w, g, s, None, None, t)


cdef int _each(Update *u, list w, list g, list a, list b, list c, list t) except -1:
    """Do the step on each parameter w[i], with what the rule keeps in a[i], b[i] and c[i]; None is left out."""
    cdef Py_ssize_t i, count = len(w)
    for values in (g, a, b, c, t):
        if values is not None and len(values) != count:
            raise ValueError(f"w lists {count} arrays and another argument {len(values)}")
    for i in range(count):
        if t is not None:
            u.t = t[i]
        _one(u, w[i], g[i], None if a is None else a[i], None if b is None else b[i], None if c is None else c[i])
    return 0


cdef int _one(Update *u, w, g, a, b, c) except -1:
    cdef const Core *lent = core()
    cdef Py_buffer views[ARRAYS]
    cdef int k
    memset(views, 0, sizeof(views))  # to release a view that was not taken does nothing
    try:
        _take(u, views, 0, w)
        _take(u, views, 1, g)
        _take(u, views, 2, a)
        _take(u, views, 3, b)
        _take(u, views, 4, c)
        if u.size < SMALL:
            c_update(lent, u)
        else:
            with nogil:
                c_update(lent, u)
    finally:
        for k in range(ARRAYS):
            PyBuffer_Release(&views[k])
    return 0


cdef int _take(Update *u, Py_buffer *views, int k, array) except -1:
    """Enter an array in u, or say why it does not fit w."""
    cdef Py_buffer *view = &views[k]
    u.arrays[k] = NULL
    if array is None:
        return 0
    PyObject_GetBuffer(array, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (0 if k == 1 else PyBUF_WRITABLE))
    if view.format[0] != views.format[0] or view.format[1] != 0 or view.format[0] not in b"fd":
        raise TypeError("a step takes arrays of one type, float32 or float64")
    if <size_t> view.buf % view.itemsize:
        raise ValueError("an array does not lie at a multiple of its item size")
    if view.ndim != views.ndim or memcmp(view.shape, views.shape, view.ndim * sizeof(Py_ssize_t)) != 0:
        raise ValueError(f"an array of the shape {_shape(view)} is given for a parameter of the shape {_shape(views)}")
    u.arrays[k] = view.buf
    u.is_double = view.itemsize == 8
    u.size = view.len // view.itemsize
    return 0


cdef _shape(Py_buffer *view):
    return tuple([view.shape[i] for i in range(view.ndim)])
