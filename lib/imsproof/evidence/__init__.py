"""What a run leaves behind: the run folder, journals, captures, ladders, the bundle, and the checks on them."""
