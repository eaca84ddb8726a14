"""Segmenters that the user has exported with torch.export."""
