"""Names of the files and folders of a run."""

from __future__ import annotations

CHECKPOINT = "training.safetensors"
"""Weights, optimiser and random state of a run that can be resumed."""
ORACLES = "oracles.safetensors"
"""Adapters of a warm start."""
LIBRARY = "library.safetensors"
"""A library of adapters."""
METRICS = "metrics.jsonl"
SETTINGS = "settings.json"
BEST = "best"
"""Folder of the generator whose measure was best."""
LAST = "last"
"""Folder of the generator as it was at the last checkpoint."""
RECORD = "best.json"
"""In the folder of the best generator: its measure, value and step."""
