"""A small number in, the same quantity in a smaller unit out."""
