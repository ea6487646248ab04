"""Comparing initialization methods after equal training."""
