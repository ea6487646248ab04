"""Commands as sequences of stages: from a model and a corpus to a specialized model in a run folder."""
