"""Hydra's edge: checks, errors in one line, the sweeper, the launcher, searches."""
