"""A number in digits, written another way; needs num2words."""
