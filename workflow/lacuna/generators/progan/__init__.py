"""Progressive GAN."""
