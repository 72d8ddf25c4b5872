"""Tables of families that are not packages yet."""
