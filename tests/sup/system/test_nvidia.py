"""That there is no GPU is said where it is sure, and only there."""

import sys
from pathlib import Path

import pytest

from sup.system import nvidia

WITHOUT = """
__version__ = '2.13.0+cpu'
debug = False
cuda: Optional[str] = None
hip: Optional[str] = None
"""


@pytest.mark.parametrize(
    "sign",
    ["dev/nvidia0", "dev/nvidiactl", "proc/driver/nvidia", "dev/dxg", "dev/kfd", "dev/nvmap"],
)
def test_any_trace_of_a_driver_leaves_it_to_torch(sign: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "platform", "linux")
    assert nvidia.has_no_driver(tmp_path)
    (tmp_path / sign).parent.mkdir(parents=True)
    (tmp_path / sign).touch()
    assert not nvidia.has_no_driver(tmp_path)


def test_where_the_tool_of_a_driver_is_or_no_linux_it_is_left_to_torch(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not nvidia.has_no_driver(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "nvidia-smi").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not nvidia.has_no_driver(tmp_path)


def test_a_torch_without_cuda_can_use_none():
    assert nvidia.is_without_cuda(WITHOUT)
    assert not nvidia.is_without_cuda(WITHOUT.replace("None", "'13.0'", 1))
    assert not nvidia.is_without_cuda(WITHOUT.replace("hip: Optional[str] = None", "hip = '7.1'"))
    assert not nvidia.is_without_cuda("")


def test_it_agrees_with_torch():
    import torch

    version = nvidia.torch_version()
    built = torch.version.cuda is not None or torch.version.hip is not None
    assert nvidia.is_without_cuda(version) == (not built)


def test_a_command_that_asks_for_one_does_not_wait_for_torch(command, monkeypatch):
    monkeypatch.setattr(nvidia, "is_absent", lambda: True)
    monkeypatch.setitem(sys.modules, "sup.sweep.check", None)
    outcome = command("trainer=gpu")
    assert outcome.status == 1
    assert outcome.error == "error: trainer.accelerator=gpu: no GPU here"
    assert command("-m", "trainer=cpu,gpu", "seed=0").error == outcome.error
