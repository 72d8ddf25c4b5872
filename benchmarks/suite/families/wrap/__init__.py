"""One word in, the word between, before or after some marks or words out."""
