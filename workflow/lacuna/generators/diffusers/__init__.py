"""Pipelines of the library diffusers: they draw images, and have no layers to invert."""
