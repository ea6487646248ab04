"""The walk from a model and a corpus to a specialised model, stage by stage, in a run folder."""
