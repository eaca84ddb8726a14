"""Curves of what the workflow trained."""
