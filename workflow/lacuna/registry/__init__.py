"""What is known by name: plain dicts from a family to its loader."""
