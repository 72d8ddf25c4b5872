"""Training of one adapter per task, many in a batch."""
