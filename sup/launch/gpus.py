"""The GPUs of this machine: the names by which they go, and whether those asked for are here."""

import os
from itertools import takewhile

import torch

from sup.config.rules import SettingError
from sup.config.settings import Settings
from sup.training.devices import accelerator_of

NO_GPU = ("", "-1", "none", "void", "NoDevFiles")
"""How CUDA_VISIBLE_DEVICES says that there shall be none: CUDA's own ways, containers', Slurm's."""


def check_present(settings: Settings) -> None:
    """Check that the devices on which a run is to be trained are on this machine.

    Raises:
        SettingError: where they are not.
    """
    trainer, gpus = settings.trainer.parameters, torch.cuda.device_count()
    asked, devices = trainer["accelerator"], trainer["devices"]
    if asked in ("auto", "gpu", "cuda"):
        check_visible()
    accelerator = accelerator_of(settings)
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise SettingError("trainer.accelerator", asked, "no GPU here")
    if accelerator == "mps" and not torch.backends.mps.is_available():
        raise SettingError("trainer.accelerator", asked, "no Apple GPU here")
    if accelerator == "cuda" and gpus < devices:
        held = f"there are no more than {gpus} here; trainer.accelerator=cpu needs none"
        raise SettingError("trainer.devices", devices, held)


def check_visible() -> None:
    """Check that every GPU is here that CUDA_VISIBLE_DEVICES names.

    CUDA ignores the first one that is not, and all after it, without a word.

    Raises:
        SettingError: where one is not.
    """
    named, gpus = named_devices(), torch.cuda.device_count()
    if named is not None and len(named) != gpus:
        only = f"names {len(named)}, of which {gpus} can be used here; trainer=cpu needs none"
        raise SettingError("CUDA_VISIBLE_DEVICES", ",".join(named), only)


def named_devices() -> list[str] | None:
    """Return the GPUs that CUDA_VISIBLE_DEVICES names; None where it is not set."""
    value = os.environ.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return None
    return list(takewhile(lambda name: name not in NO_GPU, map(str.strip, value.split(","))))


def visible_devices() -> list[str]:
    """Return the names of the GPUs that this command may use."""
    named = named_devices()
    return [str(k) for k in range(torch.cuda.device_count())] if named is None else named
