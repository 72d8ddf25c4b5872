"""A noun in, a short fixed sentence about it out."""
