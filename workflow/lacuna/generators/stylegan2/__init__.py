"""The style-based generator, second version."""
