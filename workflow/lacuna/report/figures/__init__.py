"""Figures: one function each. They draw what they are given and know no files of stages."""
