"""The kernels compiled for real GPUs, which needs none: nothing spills from the registers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[4] / "benchmarks" / "kernels.py"
COMMON = ("2x1", "3x2", "10x5")


def compiled(sizes: tuple[str, ...], activations: tuple[str, ...], arch: tuple[str, ...]) -> str:
    # In a process of its own: here the kernels are made for the interpreter.
    real = {**os.environ, "TRITON_INTERPRET": "0"}
    command = [sys.executable, str(BENCHMARK), "--arch", *arch, "--sizes", *sizes]
    command += ["--activations", *activations]
    process = subprocess.run(command, env=real, capture_output=True, text=True, check=False)
    print(process.stdout, process.stderr)
    assert process.returncode == 0
    return process.stdout


def test_the_default_models_kernel_stays_in_its_registers():
    (row,) = re.findall(r"sm_90 +10x5 +relu +(\d+) +(\d+)", compiled(("10x5",), ("relu",), ("90",)))
    registers, spilled = map(int, row)
    assert 0 < registers < 256
    assert spilled == 0


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["80", "90", "100"])
def test_none_of_the_common_sizes_spills(arch: str):
    said = compiled(COMMON, ("linear", "relu", "gelu", "silu", "sigmoid", "tanh", "solu"), (arch,))
    assert len(re.findall(r"^sm_", said, re.MULTILINE)) == 7 * len(COMMON)
