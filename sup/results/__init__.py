"""What a run leaves behind: making, saving, loading and joining datasets."""
