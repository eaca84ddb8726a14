"""The first screen: what is claimed, and the pair of pictures beside it."""
