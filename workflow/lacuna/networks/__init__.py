"""Building blocks of several networks."""
