"""Classifiers that the user has exported with torch.export."""
