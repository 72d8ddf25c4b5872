"""A list of four words in; out come those at asked places, or all of them in an asked order."""
