"""A number in digits, and something computed from it."""
