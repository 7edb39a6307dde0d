from capsule import _consumer, _provider

assert _consumer.half(5.0) == 2.5
assert _consumer.greet() == "hello, consumer"
assert _consumer.type_name(_provider.api) == "PyCapsule"
assert _consumer.addresses() == _provider.addresses()
print("ok")
