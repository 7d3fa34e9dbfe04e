"""How much memory a stack needs."""

from sup.config.settings import Settings
from sup.launch.placement import Placement
from sup.model.held_out import SAMPLES
from sup.model.quadrature import nodes
from sup.training.devices import accelerator_of
from sup.training.schedule import LARGEST_SNAPSHOT, measured, snapshots
from sup.training.stack import Stack

GIB = 2**30
HOLES, HOLES_OF_SEVERAL = 1.5, 3.2
"""A step's memory with the holes between its arrays, by those arrays, measured after 400 steps on a
CPU: 1.0 to 1.2, by chance up to 1.6 in one process of ten, but 2.1 to 3.2 where activations take
turns, each with passes of its own."""

WORD = 16
"""Bytes of a random word and of the one before it; those in the making take turns with a step.
Those of several small steps are made together, some megabytes that do not grow with a stack."""


CONTEXT = GIB // 2
"""Bytes that CUDA takes in a process before any tensor: its context, torch's kernels, the matrix
library's room. Not measured; they differ by a few hundred megabytes between GPUs."""


def allowed_memory(settings: Settings, place: Placement) -> float:
    """Return how many bytes a stack of some settings may take where it is trained."""
    most = settings.stack.max_memory
    return float(most * GIB if most else place.memory(settings))


def needed(stack: Stack) -> int:
    """Estimate the memory that training a stack takes at its peak, in bytes.

    Counted are the tensors that live at once: weights with gradients, moments, rates
    and copies; a step of those instances that are computed together, with the holes that it leaves
    in memory; the evaluation, which passes all of them through the models at once, when the memory
    of a step is free again. Tests hold it against what is measured.
    """
    settings = stack.settings
    n, m, K = settings.n_features, settings.n_hidden, stack.size
    batch, inputs = settings.batch_size, len(stack.inputs)
    if settings.data == "quadrature":
        batch, inputs = nodes(n)[0].shape[1], 1
    on_gpu = accelerator_of(settings) == "cuda"
    at_once = on_gpu or len(stack.blocks) == 1
    together = [sum(len(part.places) for part in block) for block in stack.blocks]
    block = K if at_once else max(together)
    frames = len(snapshots(settings.steps)) if m * n <= LARGEST_SNAPSHOT else 0
    parameters = K * (14 * (m + 1) * n + 3 * frames * m * n + 2 * len(measured(settings.steps)))
    step = batch * (3 * inputs * n + block * (6 * n + 2 * m))
    if settings.engine == "autograd":
        step = batch * (3 * inputs * n + K * (9 * n + 3 * m))
    step *= HOLES if at_once else HOLES_OF_SEVERAL
    evaluation = SAMPLES * (3 * inputs * n + K * (8 * n + m))
    words = WORD * len(stack.seeds) * stack.rows * batch if settings.data == "sampled" else 0
    tensors = stack.dtype.itemsize * (parameters + max(step, HOLES * evaluation))
    return int(words + tensors) + CONTEXT * on_gpu
