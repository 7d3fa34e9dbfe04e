"""Where stacks are trained: in this process, side by side, as jobs of submitit (SLURM) or of Ray.

A *placement* is called with stacks and with the work to be done on each. It says of each stack what
the work returned, or why it did not come to its end. What a stack leaves behind lies where it would
have been anyway: other machines see the same files. Nothing here knows what the work is.
"""
