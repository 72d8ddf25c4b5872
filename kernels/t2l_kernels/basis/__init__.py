"""LoRA on a basis that all adapters share: an adapter is two small cores, never an A or a B."""
