"""Letters, weekdays, months, other names or numbers in a row in, a neighbour out."""
