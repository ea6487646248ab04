"""Continued pretraining: objectives, packed data, and what drives `transformers.Trainer`."""
