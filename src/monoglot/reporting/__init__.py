"""What a finished run says of itself: page, figures, model card, explanations of single tokens."""
