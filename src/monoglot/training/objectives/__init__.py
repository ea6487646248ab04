"""Training objectives, one small file each; see `monoglot.training.registry`."""
