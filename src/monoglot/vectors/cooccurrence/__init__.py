"""Co-occurrence counts of tokens, and their decomposition into vectors."""
