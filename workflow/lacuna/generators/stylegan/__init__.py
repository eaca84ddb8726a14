"""The style-based generator."""
