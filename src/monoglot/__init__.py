"""Give any Hugging Face transformer a vocabulary made for your language."""

__version__ = "0.1.0"
