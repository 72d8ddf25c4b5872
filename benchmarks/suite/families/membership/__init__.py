"""A word in; out comes whether it belongs to a category, in one of several forms of answer."""
