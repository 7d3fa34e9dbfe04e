"""Whether there can be a GPU here, by files: torch, which knows, takes seconds to import."""

import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

SIGNS = (
    *("/dev/nvidia*", "/proc/driver/nvidia*"),
    *("/dev/nvmap", "/dev/nvhost*"),  # on a board such as Jetson
    "/dev/dxg",  # in WSL
    "/dev/kfd",  # AMD's, which torch calls CUDA too
)
"""What lies in a Linux that has a driver for a GPU."""


def is_absent(root: Path = Path("/")) -> bool:
    """Tell whether there is surely no GPU that torch could use; False where that is not known.

    Args:
        root: of the file system.
    """
    return has_no_driver(root) or is_without_cuda(torch_version())


def has_no_driver(root: Path) -> bool:
    """Tell whether a Linux has no trace of a driver for a GPU."""
    if sys.platform != "linux" or shutil.which("nvidia-smi") or shutil.which("rocminfo"):
        return False
    return not any(next(root.glob(sign.lstrip("/")), None) for sign in SIGNS)


def torch_version() -> str:
    """Return the file in which torch says how it was built; empty where it is not found."""
    spec = find_spec("torch")
    file = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    return file.read_text(encoding="utf-8") if file and file.is_file() else ""


def is_without_cuda(version: str) -> bool:
    """Tell whether torch was built for no GPU, by its file of versions."""
    built = dict(re.findall(r"^(cuda|hip)\b.*= *(\S+)$", version, re.M))
    return built.get("cuda") == "None" and built.get("hip", "None") == "None"
