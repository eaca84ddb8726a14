"""Networks and nothing else: no module here reads or writes a file."""
