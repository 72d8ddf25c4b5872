"""Grids: tables of attribute values; a task is a cell, so each of its values is met elsewhere."""
