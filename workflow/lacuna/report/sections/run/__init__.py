"""How the results came about."""
