"""Scores of tokenizers and models."""
