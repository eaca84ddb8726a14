"""Training loops and their parts: data, losses, states, cards."""
