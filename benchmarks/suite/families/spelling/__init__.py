"""One word in, the whole word spelled in another way out."""
