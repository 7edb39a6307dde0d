"""Run by `python -m unittest` and, on WASI, by `hatch-wasi run -m unittest`: nothing but the standard library."""

import random
import unittest

import example_project
from example_project import _pure, closest

try:
    from example_project import _speedups
except ImportError:
    _speedups = None


class Distance(unittest.TestCase):
    """Both implementations give the same answers."""

    def setUp(self):
        self.implementations = [_pure.distance, *([_speedups.distance] if _speedups else [])]

    def check(self, a, b, expected):
        for distance in self.implementations:
            with self.subTest(distance=distance.__module__, a=a, b=b):
                self.assertEqual(distance(a, b), expected)

    def test_known(self):
        self.check("", "", 0)
        self.check("kitten", "sitting", 3)
        self.check("", "abc", 3)
        self.check("flaw", "lawn", 2)

    def test_wide_characters(self):
        self.check("naïve", "naive", 1)
        self.check("Ångström", "Angstrom", 2)
        self.check("日本語", "日本", 1)
        self.check("🐍🦀", "🐍", 1)

    def test_wrong_types(self):
        for distance in self.implementations:
            for arguments in [(b"a", "a"), ("a", 1), ("a",), ("a", "b", "c")]:
                with self.subTest(distance=distance.__module__, arguments=arguments), self.assertRaises(TypeError):
                    distance(*arguments)

    @unittest.skipUnless(_speedups, "not built")
    def test_agree(self):
        rng = random.Random(1974)
        for _ in range(300):
            a, b = ("".join(rng.choices("abcé日🐍", k=rng.randrange(12))) for _ in range(2))
            self.assertEqual(_speedups.distance(a, b), _pure.distance(a, b), (a, b))


class Closest(unittest.TestCase):
    """What was meant."""

    def test_closest(self):
        self.assertEqual(closest("udpate", ["install", "update", "remove"]), "update")
        self.assertIsNone(closest("fly", ["install", "update", "remove"]))
        self.assertIsNone(closest("fly", []))

    def test_implementation(self):
        self.assertEqual(example_project.IMPLEMENTATION, "c" if _speedups else "python")


if __name__ == "__main__":
    unittest.main()
