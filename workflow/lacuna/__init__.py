"""Lacuna: what an image generator cannot generate. One module a stage, and the rooms that stages share."""
