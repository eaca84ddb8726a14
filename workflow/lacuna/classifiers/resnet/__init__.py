"""A small residual network, trained here."""
