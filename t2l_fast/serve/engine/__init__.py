"""The engine: a queue, the loop over transformers' continuous batching, sampling and text."""
