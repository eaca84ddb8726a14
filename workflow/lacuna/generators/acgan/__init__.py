"""AC-GAN: images of a class on demand."""
