"""Models: which tables have a vocabulary dimension, and a new model from a mixture."""
