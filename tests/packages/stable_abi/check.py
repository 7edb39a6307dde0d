from stable_abi import _stable

assert _stable.__file__.endswith("/_stable.abi3.so"), _stable.__file__
assert _stable.reversed_bytes(b"wasi") == b"isaw"
assert _stable.reversed_bytes(bytearray(b"ab")) == b"ba"
print("ok")
