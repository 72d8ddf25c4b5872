"""Training of many LoRA adapters in one step, each with data and settings of its own."""
