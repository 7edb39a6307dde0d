import array

from cythonized._primes import Primes, squares

assert list(Primes(30)) == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
try:
    Primes(1001)
except ValueError as error:
    assert str(error) == "from 0 to 1000, not 1001", error
else:
    raise AssertionError("nothing was raised")
values = array.array("d", [1.5, -2.0])
squares(values)
assert list(values) == [2.25, 4.0]
print("ok")
