"""Networks that label pixels; a folder for each family."""
