"""Lightning callbacks, one concern each: measure, draw, write, and show progress.

Each is made for one stack: it is given the stack and a logger for each of the stack's runs.
"""

from callbacks.checkpoint import StackCheckpoint
from callbacks.images import GramImages
from callbacks.metrics import SuperpositionMetrics
from callbacks.progress import StackProgress
from callbacks.results import Results

__all__ = ["GramImages", "Results", "StackCheckpoint", "StackProgress", "SuperpositionMetrics"]
