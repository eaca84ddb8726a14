"""What a user calls from a program, a notebook or a shell; it knows stages, and no stage knows it."""
