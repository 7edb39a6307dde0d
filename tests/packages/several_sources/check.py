import math

from several_sources import _core

scaled, counter, flavour, erf, file = _core.facts()
assert (scaled, flavour, erf) == (21, "sweet", math.erf(0.5)), (scaled, flavour, erf)
assert counter == 41
assert _core.facts()[1] == 42
assert file == "src/several_sources/module.c", file
print("ok")
