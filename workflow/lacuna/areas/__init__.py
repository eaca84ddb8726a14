"""Statistics of class areas: arrays in, arrays out; they know neither torch nor files."""
