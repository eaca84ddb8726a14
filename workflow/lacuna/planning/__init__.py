"""What only the Snakefile needs."""
