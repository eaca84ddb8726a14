"""What `make bench` runs: one line a figure, name, value and unit."""
