"""Static token vectors, trained on the target text or read from a file."""
