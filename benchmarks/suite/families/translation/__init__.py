"""A word, number, country or date in, the same in another language out; needs num2words, babel."""
