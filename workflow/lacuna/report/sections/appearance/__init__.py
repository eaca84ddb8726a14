"""How classes look, how many regions they have, and where."""
