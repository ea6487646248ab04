"""Engines of vectors, one file each."""
