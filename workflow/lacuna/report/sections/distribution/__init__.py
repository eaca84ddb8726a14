"""Comparisons of distributions: class areas, real against generated."""
