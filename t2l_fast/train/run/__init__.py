"""Life cycle of a training run: its folder, checkpoints, metrics, trackers and best generator."""
