"""A list of three numbers in, one of them or a little arithmetic out."""
