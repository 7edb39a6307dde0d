from cythonized.limits cimport HIGHEST

cdef extern from "sieve.h":
    void sieve(unsigned char *composite, int count)

cdef class Primes:
    """All primes below a number, kept by a C function beside this file."""

    cdef bytearray flags

    def __init__(self, int count):
        if not 0 <= count <= HIGHEST:
            raise ValueError(f"from 0 to {HIGHEST}, not {count}")
        self.flags = bytearray(count)
        sieve(self.flags, count)

    def __iter__(self):
        return (number for number, composite in enumerate(self.flags) if not composite)

def squares(double[:] values):
    cdef Py_ssize_t i
    for i in range(values.shape[0]):
        values[i] *= values[i]
