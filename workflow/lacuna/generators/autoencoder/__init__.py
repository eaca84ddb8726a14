"""Autoencoders, with whose decoders latent diffusion models draw: the decoder as a chain, the encoder its inverse."""
