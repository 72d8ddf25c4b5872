"""A list of four words in; out comes the one of an asked category, or two, or the others."""
