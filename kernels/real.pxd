# The element type of the kernels: a function that mentions `real` is compiled twice, for float32 and for float64.
ctypedef fused real:
    float
    double
