"""These tests run the kernels on a GPU where there is one, else in Triton's interpreter."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from sup.training.kernels import is_interpreted

if not find_spec("triton"):  # there is none for Windows and macOS
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a GPU where there is one, which is hidden from all other tests."""
    if not is_interpreted():
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker("gpu")


@pytest.fixture
def device() -> torch.device:
    if is_interpreted():
        return torch.device("cpu")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device that can be used")
    return torch.device("cuda")
