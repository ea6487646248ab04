"""Numbers only: simplex projections, similarities, sparse mixtures. Knows nothing of tokens."""
