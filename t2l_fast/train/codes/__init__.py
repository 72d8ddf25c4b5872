"""Codes of tasks: drawn from descriptions, or fitted to examples."""
