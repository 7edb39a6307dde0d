"""Hostile archives: one set of limits, one reader of each format, and one way to write what they hold."""
