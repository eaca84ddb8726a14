"""Unified Perceptual Parsing as its authors published it."""
