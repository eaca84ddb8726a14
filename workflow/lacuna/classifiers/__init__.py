"""Networks that name the class of an image; a folder for each family."""
