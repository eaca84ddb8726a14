"""Running a generator backwards: training of encoders, and the search for one image. Tensors in, tensors out."""
