"""Multi-adapter LoRA: shrink, expand and their differentiable composition."""
