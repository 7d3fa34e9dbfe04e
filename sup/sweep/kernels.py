"""Which runs kernels train, as far as it can be told before."""

import torch

from sup.config.run import Run
from sup.config.settings import Settings
from sup.config.trainer import is_double
from sup.model.building import activation_of
from sup.model.data import has_plain_model, is_plain
from sup.training.devices import accelerator_of
from sup.training.kernels import NoKernelError, check_possible, kind_of
from sup.training.written import has_kernel


def has_kernels(settings: Settings) -> bool:
    """Tell whether runs of such settings are to be trained by kernels, which are possible here."""
    if not (is_plain(settings) and has_plain_model(settings)):
        return False
    device, size = accelerator_of(settings), (settings.n_features, settings.n_hidden)
    kind = kind_of(settings.engine, device, *size, settings.steps)
    try:
        if kind is None:
            return False
        check_possible(kind, device, not is_double(settings), *size)
    except NoKernelError:
        return False
    return True


def needs_torch(run: Run) -> bool:
    """Tell whether a run that is to be trained by a kernel has an activation without one."""
    if not has_kernels(run.settings):
        return False
    # Made as it will be for training: what a class or a function has, what it makes may not have.
    settings = run.settings
    points = settings.grid.points[:1]
    return not has_kernel(activation_of(settings.activation, points, torch.device("cpu")))
