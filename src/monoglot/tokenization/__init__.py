"""Tokenizers as bytes and roles: vocabularies, their overlap, and new tokenizers derived from old ones."""
