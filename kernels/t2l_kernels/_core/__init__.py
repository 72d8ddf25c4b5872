"""What every operator shares: dispatch, checks, machines, rooflines, scratch, registration."""
