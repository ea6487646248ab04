"""Static token vectors, trained on the target text or read from a file."""

VECTOR_SUFFIXES = (".safetensors", ".npy", ".vec")
"""Files with vectors for the tokens of a vocabulary."""
