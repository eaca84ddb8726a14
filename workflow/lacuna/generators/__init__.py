"""Image generators as chains of named layers; a folder for each family."""
