"""How routes are built: by torch, by one Triton program, or by loops that can be read."""
