"""The version of every kernel to read: the formula as plain loops, then the same in vectorised NumPy.

`minidl/reference/x.py` is the twin of `kernels/x.pyx`: the same names, the same arguments, the same results. A function
whose name ends in `_formula` is the formula itself in Python loops, an oracle that runs at tiny sizes. The others are
what `minidl.use_kernels("reference")` runs.
"""
