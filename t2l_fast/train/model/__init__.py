"""What runs around the frozen base model in a step: losses, attention, noise and recomputation."""
