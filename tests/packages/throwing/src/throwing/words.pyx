from libcpp.map cimport map
from libcpp.string cimport string
from libcpp.vector cimport vector


cdef extern from *:
    """
    #include <stdexcept>
    #include <string>
    static int checked(int number) {
        if (number > 100)
            throw std::out_of_range("no more than 100, not " + std::to_string(number));
        return number;
    }
    """
    int checked(int number) except +


def count(text: bytes) -> dict:
    cdef map[string, int] found
    for word in text.split():
        found[word] += 1
    return {item.first: item.second for item in found}


def check(number):
    return checked(number)


def at(numbers, index):
    cdef vector[int] copied = numbers
    return copied.at(index)
