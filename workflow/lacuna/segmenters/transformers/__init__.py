"""Segmenters of the library transformers, as its `save_pretrained` and the Hugging Face hub have them."""
