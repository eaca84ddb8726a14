"""Two generators against the same real images: which of both is nearer."""
