"""Batches of token rows: sampling, tokenising, packing and prefetching."""
