"""Samples of captions beside the photos that the captions are of."""
