"""UPerNet, trained here."""
