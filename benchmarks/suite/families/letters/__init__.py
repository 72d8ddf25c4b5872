"""One word in, some of its letters or something about them out."""
