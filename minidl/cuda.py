"""There is no GPU here: what programs ask before they choose a device.

>>> import minidl
>>> minidl.device("cuda" if minidl.cuda.is_available() else "cpu")
device(type='cpu')
"""


def is_available() -> bool:
    """Return False: minidl computes on the CPU.

    >>> import minidl
    >>> minidl.cuda.is_available()
    False
    """
    return False


def device_count() -> int:
    """Return 0, the number of GPUs that minidl uses.

    >>> import minidl
    >>> minidl.cuda.device_count()
    0
    """
    return 0
