# The arrays of a kernel, lent to C as pointers: contiguous and of one element type, float32 or float64. A typed
# memoryview for each would cost 0.3 to 0.6 us a call.

from cpython.buffer cimport (
    Py_buffer, PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)

cdef enum:
    MOST_ARRAYS = 12

cdef struct Arrays:
    Py_buffer views[MOST_ARRAYS]
    int held
    char kind  # 'f' or 'd', that of the first


# The memory of x, which has so many elements; NULL for None.
cdef inline const void *read(Arrays *arrays, x, Py_ssize_t size) except? NULL:
    return _lend(arrays, x, size, 0)


# The same for an output.
cdef inline void *written(Arrays *arrays, x, Py_ssize_t size) except? NULL:
    return _lend(arrays, x, size, PyBUF_WRITABLE)


# Class indices and the like.
cdef inline const long long *read_int64(Arrays *arrays, x, Py_ssize_t size) except? NULL:
    cdef Py_buffer *view = &arrays.views[arrays.held]
    PyObject_GetBuffer(x, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
    arrays.held += 1
    if view.itemsize != 8 or view.format[0] not in b"lq":
        raise TypeError("the indices of a kernel are int64")
    return <const long long *> _sized(view, size)


cdef inline void *_lend(Arrays *arrays, x, Py_ssize_t size, int flags) except? NULL:
    if x is None:
        return NULL
    cdef Py_buffer *view = &arrays.views[arrays.held]
    PyObject_GetBuffer(x, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | flags)
    arrays.held += 1
    if arrays.kind == 0:
        arrays.kind = view.format[0]
    if view.format[0] != arrays.kind or view.format[1] != 0 or view.format[0] not in b"fd":
        raise TypeError("a kernel takes arrays of one type, float32 or float64")
    return _sized(view, size)


cdef inline void *_sized(Py_buffer *view, Py_ssize_t size) except? NULL:
    if view.len != size * view.itemsize:
        raise ValueError(f"a kernel was given an array of {view.len // view.itemsize} elements, expected {size}")
    if <size_t> view.buf % <size_t> view.itemsize:
        raise ValueError("a kernel's array does not lie at a multiple of its item size")
    return view.buf


cdef inline void release(Arrays *arrays) noexcept:
    while arrays.held > 0:
        arrays.held -= 1
        PyBuffer_Release(&arrays.views[arrays.held])
