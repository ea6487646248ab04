"""The walk from a model and a corpus to a specialized model, stage by stage, in a run folder."""
