"""Generators of classes: are classes recognised, and do their images differ?"""
