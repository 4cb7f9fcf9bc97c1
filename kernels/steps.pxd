# The time steps of a recurrence whose rows lie one step after the other: step t is the next batch_sizes[t] rows.
# Twin: minidl/reference/_steps.py

# (slice of the rows, number of rows) of every step, in the order in which they are computed.
cdef inline list steps_of(batch_sizes, bint reverse):
    cdef list steps = []
    start = 0
    for n in batch_sizes:
        steps.append((slice(start, start + n), n))
        start += n
    return steps[::-1] if reverse else steps


# For each row of y, the state that its step started from.
cdef inline object states_before(y, h0, list steps):
    before, h = y.copy(), h0.copy()
    for rows, n in steps:
        before[rows] = h[:n]
        h[:n] = y[rows]
    return before
