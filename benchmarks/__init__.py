"""What `make bench` runs: one line per figure, name, value and unit."""
