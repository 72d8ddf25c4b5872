"""Reconstruction of a library of LoRAs."""
