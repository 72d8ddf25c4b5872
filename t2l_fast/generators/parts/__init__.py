"""What several generators are built of."""
