"""One file a task: what its data look like, its head, its scores."""
