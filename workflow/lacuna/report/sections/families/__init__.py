"""Generators of the same scenes side by side."""
