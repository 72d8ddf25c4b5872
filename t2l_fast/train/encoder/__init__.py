"""Training of a LoRA of the text encoder."""
