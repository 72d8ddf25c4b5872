"""Builds: what the ahead-of-time compiler compiles, a module for each operator."""
