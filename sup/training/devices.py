"""Which device trains a run, and whether CUDA can still be used in this process."""

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


def cuda_is_lost() -> bool:
    """Tell whether CUDA has failed in this process for good.

    An error in a kernel (an index out of bounds, say) is returned by every later call, until the
    process ends.
    """
    if not torch.cuda.is_initialized():
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False
