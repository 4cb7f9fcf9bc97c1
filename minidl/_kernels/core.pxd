# What the extension minidl._kernels.core (kernels/core.pyx) offers to the others. An extension that linked the C files
# instead would have a pool of its own.

cdef extern from "core/product.h":
    # y = f(a b + bias), or y = f(y + a b + bias). Strides count elements; the fields are explained in the header.
    ctypedef struct Product "struct product":
        ptrdiff_t batch, m, n, k
        const void *a
        const void *b
        const void *bias
        void *y
        ptrdiff_t a_row, b_row, y_row
        ptrdiff_t a_batch, b_batch, y_batch
        bint a_transposed, b_transposed
        bint accumulate, relu, is_double


# The product for arrays of 2 dimensions, or 3 with the batch first: y = relu(y + a b + bias), where relu and y are
# optional and bias may be None. Of a and b either the rows or the columns are contiguous, so that a.T can be given
# for a; of y the rows. Raises TypeError or ValueError for what does not fit.
cdef int multiply(a, b, bias, y, bint relu, bint accumulate) except -1

# y[j] = sum_i x[i, j] for x of 2 dimensions, whose rows are contiguous, and a contiguous y of the same type.
cdef int column_sums(x, y) except -1

# Product, pool and scratch memory for the C files of another extension: see kernels/core/core.h.
cdef extern from "core/core.h":
    ctypedef struct Core "struct core":
        pass
cdef const Core *core() noexcept
