"""Which device trains a run."""

import torch

from sup.config.settings import Settings


def accelerator_of(settings: Settings) -> str:
    """Return what a run is trained on here, as Lightning calls it; of itself CUDA or the CPU.

    Lightning's own ``auto`` would take an Apple GPU, which has no float64, and so would its
    ``gpu``. Such a device is used where it is asked for by its name.
    """
    chosen: str = settings.trainer.parameters["accelerator"]
    found = {"auto": "cuda" if torch.cuda.is_available() else "cpu", "gpu": "cuda"}
    return found.get(chosen, chosen)
