"""Supervised fine-tuning of a generator through the frozen base model."""
