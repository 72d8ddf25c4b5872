"""Two words in, a name or a line of code or markup out."""
