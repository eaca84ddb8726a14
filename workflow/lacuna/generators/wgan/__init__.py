"""WGAN-GP, and the ablations published with ProGAN."""
