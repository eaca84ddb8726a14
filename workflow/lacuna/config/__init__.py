"""The configuration: its sections, checks, and where each result is."""
