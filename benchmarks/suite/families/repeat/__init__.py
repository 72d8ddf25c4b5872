"""One word in, several copies of it out."""
