"""Tables of the cost model, and what documented peers would issue for the same batches."""
