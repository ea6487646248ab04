"""Comparisons with other implementations; each module is a command, and its results are kept in `results`."""
