"""A sentence in; out comes what it reports of who, what, how many, where and when."""
