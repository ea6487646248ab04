"""What a person reads about a run: the page, its figures, the model card, explanations of single tokens."""
