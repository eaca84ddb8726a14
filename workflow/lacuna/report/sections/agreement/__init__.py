"""What several segmenters say of one comparison."""
