"""Lightning callbacks, one concern each: measure, draw, write, and show progress.

Each is made for one stack: it is given the stack and a logger for each of the stack's runs. They
are imported as `sup.callbacks`, a link to this folder, so that an installed package brings no
top-level name as common as this one.
"""

from sup.callbacks.checkpoint import StackCheckpoint
from sup.callbacks.images import GramImages
from sup.callbacks.metrics import SuperpositionMetrics
from sup.callbacks.progress import StackProgress
from sup.callbacks.results import Results

__all__ = ["GramImages", "Results", "StackCheckpoint", "StackProgress", "SuperpositionMetrics"]
