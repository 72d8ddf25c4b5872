"""Reconstruction losses: low-rank matrices compared without forming `[out, in]`."""
