"""How much memory a stack needs."""

from sup.config.settings import Settings
from sup.launch.placement import Placement
from sup.model.data import has_plain_model, is_plain
from sup.model.held_out import SAMPLES
from sup.model.population import ENTRIES, MOST_FEATURES
from sup.model.quadrature import AT_ONCE, nodes
from sup.model.several import BATCHES
from sup.sweep.kernels import has_kernels, needs_torch
from sup.training.devices import accelerator_of
from sup.training.evaluation import ARRAYS, models_at_once
from sup.training.plain_samples import BATCHES as BATCHES_OF_SAMPLES
from sup.training.schedule import CHUNK, LARGEST_SNAPSHOT, measured, snapshots
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

    Counted are the tensors that live at once: weights with gradients, moments, rates and copies; a
    step, with the holes that it leaves in memory; the evaluation, when the memory of a step is free
    again. Tests hold it against what is measured.
    """
    settings = stack.settings
    n, m, K = settings.n_features, settings.n_hidden, stack.size
    on_gpu = accelerator_of(settings) == "cuda"
    frames = len(snapshots(settings.steps)) if m * n <= LARGEST_SNAPSHOT else 0
    parameters = K * (14 * (m + 1) * n + 3 * frames * m * n + 2 * len(measured(settings.steps)))
    drawn = settings.data == "sampled"
    samples = settings.batch_size if drawn else 0
    if settings.dataset_size:  # what comes again within a chunk is kept in it
        samples += min(settings.dataset_size, CHUNK * samples)
    words = WORD * len(stack.seeds) * stack.rows * samples
    tensors = stack.dtype.itemsize * (parameters + max(of_step(stack), of_evaluation(stack)))
    return int(words + tensors) + CONTEXT * on_gpu


def of_step(stack: Stack) -> float:
    """Estimate how many numbers a step takes, of those instances that are computed together."""
    settings = stack.settings
    n, m, K = settings.n_features, settings.n_hidden, stack.size
    batch, inputs, shares = settings.batch_size, len(stack.inputs), 0
    if settings.data == "quadrature":
        batch, inputs = nodes(n)[0].shape[1], 1
        shares = K * batch
    if in_kernels(stack):
        # In parts, as a whole, and in the order of kernels, which keep no arrays of a step; in the
        # making they are three of float64 for each feature.
        making = 3 * n * min(K, AT_ONCE) * batch * 8 / stack.dtype.itemsize
        return 3.0 * shares + making * bool(shares)
    # Of what is no plain model: before and after a hidden activation, with noise, the gradient.
    own = 0 if has_plain_model(settings) else 4 * m
    if settings.engine == "autograd":
        arrays = 3 * inputs * n + K * (9 * n + 3 * m + own)
        return HOLES * batch * max(arrays, of_inputs(stack))
    at_once = accelerator_of(settings) == "cuda" or len(stack.blocks) == 1
    together = [sum(len(part.places) for part in block) for block in stack.blocks]
    block = K if at_once else max(together)
    holes = HOLES if at_once else HOLES_OF_SEVERAL
    arrays = 3 * inputs * n + block * (6 * n + 2 * m + own)
    return holes * batch * max(arrays, of_inputs(stack))


def of_inputs(stack: Stack) -> float:
    """Estimate how many numbers a sample takes in the making, of all inputs that torch makes.

    Of several seeds, each input has a copy of its words; and which features are present, in words
    too where those of a group are, takes as much as some arrays of its values.
    """
    settings = stack.settings
    if is_plain(settings):
        return 0.0
    words = stack.rows * (len(stack.seeds) > 1) * 8 / stack.dtype.itemsize
    return len(stack.inputs) * (words + 5 * settings.n_features)


def in_kernels(stack: Stack) -> bool:
    """Tell whether kernels train a stack; either all of its activations have one, or none has."""
    return has_kernels(stack.settings) and not needs_torch(stack.runs[0])


def of_evaluation(stack: Stack) -> float:
    """Estimate how many numbers the evaluation takes, of the models that it looks at at a time."""
    n, m = stack.settings.n_features, stack.settings.n_hidden
    if not (is_plain(stack.settings) and has_plain_model(stack.settings)):
        return of_samples(stack)
    if n <= MOST_FEATURES:
        return HOLES * ARRAYS * ENTRIES * 8 / stack.dtype.itemsize  # in float64
    count = min(stack.size, models_at_once(m, n, stack.dtype.itemsize))
    distinct = min(count, len(stack.inputs))
    return (
        HOLES * SAMPLES * (3 * distinct * n + count * (ARRAYS * n + m)) + BATCHES * stack.size * 2
    )


def of_samples(stack: Stack) -> float:
    """Estimate how many numbers the evaluation of other than plain models takes."""
    n, m, K = stack.settings.n_features, stack.settings.n_hidden, stack.size
    count = min(K, models_at_once(m, n, stack.dtype.itemsize))
    distinct = len({row for _, row in stack.inputs})
    # Features are chosen for a whole batch; all else is of as many samples as have room.
    of_inputs = distinct * (6 * n * count / K + 16)
    return HOLES * SAMPLES * (count * (4 * n + 2 * m) + of_inputs) + BATCHES_OF_SAMPLES * K * 2
