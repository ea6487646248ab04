"""The stages of a run: each computes one artifact, or finds it made."""
