cdef enum: HIGHEST = 1000
