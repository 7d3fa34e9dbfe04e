"""The names that loggers are told: dashboards stand on them. Measures have their own names."""

STEP = "trainer/global_step"
"""What W&B's curves and pictures are over: under this name Lightning's logger sends the step."""

TRAINING_LOSS = "training_loss"
LOSS = "loss"
"""The held-out one, at the end."""

RATE = "lr"

GRAM = "W^T W"
"""Pictures."""

GALLERY = "gallery"
"""The picture of a sweep: `W^T W` of all its models."""

INSTANCES = "instances"
"""A table, with a row for each instance of a run's grid, or of a sweep."""

JOBS = "jobs"
"""A table, with a row for each job of a sweep."""

SWEEP = "sweep"
"""The name and the type of the W&B run that is a sweep's own."""
