"""Single photos, inverted: what is lost of each."""
