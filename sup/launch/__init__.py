"""Where stacks are trained when not in this process: as jobs of submitit (SLURM) or of Ray.

A *placement* is called with stacks and with the work to be done on each. It hands every stack to an
engine as one job, waits for all of them, and says of each how it ended. What a stack leaves behind
lies where it would have been anyway: the engine's machines see the same files as this one.
"""

from sup.launch.placement import Placement, Work
from sup.launch.ray import Ray
from sup.launch.submitit import Local, Slurm

__all__ = ["Local", "Placement", "Ray", "Slurm", "Work"]
