"""Several processes: launch, gradient sums and FSDP."""
