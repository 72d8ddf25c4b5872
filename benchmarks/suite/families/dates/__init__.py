"""An ISO date in, a part of it, another way to write it or another date out."""
