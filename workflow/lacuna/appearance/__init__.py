"""How a class looks, how many of it there are, and where: statistics of connected regions."""
