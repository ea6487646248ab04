"""Tasks, one file each: the form of the data, the head, the scores."""
