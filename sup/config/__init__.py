"""What a run may be asked for, and the grid of instances that it spans. No torch."""
