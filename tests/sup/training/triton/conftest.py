"""These tests run the kernels on a GPU where there is one, else in Triton's interpreter."""

from importlib.util import find_spec

import pytest
import torch

if not find_spec("triton"):  # there is none for Windows and macOS
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def device() -> torch.device:
    from sup.training.triton.engine import is_interpreted

    return torch.device("cpu" if is_interpreted() else "cuda")
