"""Triton's kernels compiled for GPUs, on any machine: registers, spills, shared memory, time.

The time of a step is estimated from the instructions of a kernel's loops: each of an SM's four
schedulers issues one for a warp in each cycle at best. What waits for memory is not in it.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import triton
from triton.backends.compiler import GPUTarget

from sup.model.activations import GELU, Linear, ReLU, Sigmoid, SiLU, SoLU, StackedActivation, Tanh
from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Inputs
from sup.model.quadrature import QuadratureInputs
from sup.training.optimizer import StackedAdam
from sup.training.triton import engine as engines
from sup.training.triton.device import kernels
from sup.training.triton.engine import TritonEngine

ACTIVATIONS = {
    kind.__name__.lower(): kind for kind in (Linear, ReLU, GELU, SiLU, Sigmoid, Tanh, SoLU)
}
SIZES = {"2x1": (2, 1), "3x2": (3, 2), "10x5": (10, 5), "20x2": (20, 2), "200x20": (200, 20)}
SCHEDULERS, CYCLES = 4, 1.755e9
"""Of an SM, and of a second, on an H100."""
REGISTERS, WARPS = 65_536, 64
"""Of an SM, on all of these."""


class NoGPU:
    """Stands in for Triton's driver where there is no GPU: names one to compile for."""

    def __init__(self, arch: int):
        self.arch = arch

    def get_current_device(self) -> int:
        return self.arch  # what is compiled is kept by the device

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self.arch, 32)


@dataclass(frozen=True)
class Compiled:
    """What a kernel takes.

    Args:
        registers: of a thread.
        spilled: bytes of a thread that do not fit them.
        shared: bytes of a program.
        loop: instructions in the loop over samples, of a warp.
        warps: of a program.
        block: samples in a turn of the loop.
    """

    registers: int
    spilled: int
    shared: int
    loop: int
    warps: int
    block: int

    @property
    def programs(self) -> int:
        """How many an SM holds at a time, by registers and warps."""
        own = self.warps * 32 * max(self.registers, 1)
        return max(1, min(REGISTERS // own, WARPS // self.warps))

    def microseconds(self, models: int, samples: int, sms: int = 132) -> float:
        """Return what a step of some models takes at the least."""
        turns = -(-samples // self.block) * self.loop * self.warps
        busiest = -(-models // sms)  # on one SM
        return busiest * turns / min(SCHEDULERS, busiest * self.warps) / CYCLES * 1e6


class WarmUp:
    """Takes the place of a kernel: compiles it for what it is launched with, and keeps that."""

    def __init__(self, kernel: Any):
        self.kernel = kernel
        self.compiled: Any = None

    def __getitem__(self, grid: tuple[int, ...]) -> Any:
        def compile_only(*arguments: Any, **constants: Any) -> None:
            self.compiled = self.kernel.warmup(*arguments, grid=grid, **constants)

        return compile_only


def compiled(arch: int, n: int, m: int, activation: Any, nodes: bool = False) -> Compiled:
    """Compile the kernel that trains models of a size, for a GPU of an architecture."""
    driver: Any = NoGPU(arch)
    triton.runtime.driver.set_active(driver)
    models = StackedAutoencoder(torch.zeros(2, m, n), StackedActivation([(activation, 2)]))
    density, group = torch.full((2, n), 0.5), torch.arange(2)
    inputs = QuadratureInputs(n, density) if nodes else Inputs(group, density.double(), group)
    with mock.patch.object(engines, "check_possible"):
        engine = TritonEngine(models, inputs, torch.ones(2, n), 1024)
    optimizer = StackedAdam(list(models.parameters()), torch.ones(2), torch.zeros(2))
    module = mock.Mock(loss_sums=torch.zeros(9, 2), diverged_at=torch.zeros(2, dtype=torch.int64))
    with mock.patch.object(kernels, "train", WarmUp(kernels.train)) as launched:
        steps = engine.whole_steps((0, 1), 1024, 9, module, optimizer)
        steps.take(range(9), mock.Mock(), np.zeros(9, np.int32))
    kernel = launched.compiled
    usage = resources(kernel.asm["cubin"])
    return Compiled(
        registers=usage["REG"],
        spilled=usage["STACK"],
        shared=kernel.metadata.shared,
        loop=longest_loop(kernel.asm["cubin"]),
        warps=engine.form.warps,
        block=engine.form.block,
    )


def said_of(cubin: bytes, option: str) -> str:
    """Return what `cuobjdump`, which Triton brings, says of a kernel."""
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [str(tool), option, file.name]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def resources(cubin: bytes) -> dict[str, int]:
    """Return the registers of a thread, and the bytes of its stack, to which others spill."""
    said = said_of(cubin, "--dump-resource-usage")
    return {name: int(value) for name, value in re.findall(r"([A-Z]+):(\d+)", said)}


def longest_loop(cubin: bytes) -> int:
    """Return the instructions of the longest loop that holds no other: that over samples."""
    lines = re.findall(r"/\*([0-9a-f]{4,})\*/\s+([^;]*);", said_of(cubin, "-sass"))
    place = {int(address, 16): count for count, (address, _) in enumerate(lines)}
    loops = []
    for count, (_, instruction) in enumerate(lines):
        target = re.search(r"\bBRA\b.*0x([0-9a-f]+)", instruction)
        start = place.get(int(target[1], 16), count) if target else count
        if start < count:
            loops.append(range(start, count + 1))
    inner = [
        one for one in loops if not any(set(other) < set(one) for other in loops if other != one)
    ]
    return max(map(len, inner), default=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", default=[*SIZES], choices=[*SIZES])
    parser.add_argument("--activations", nargs="*", default=["relu", "gelu", "solu"])
    parser.add_argument("--arch", nargs="*", type=int, default=[80, 90, 100])
    options = parser.parse_args()
    print(f"{'':24}registers  spilled  shared  loop  programs an SM")
    spilled = False
    for arch in options.arch:
        for size in options.sizes:
            for name in options.activations:
                found = compiled(arch, *SIZES[size], ACTIVATIONS[name]())
                spilled |= found.spilled > 0
                print(
                    f"sm_{arch:<4}{size:8}{name:9}{found.registers:9}{found.spilled:9}"
                    f"{found.shared:8}{found.loop:6}{found.programs:6}",
                    flush=True,
                )
    sys.exit(int(spilled))


if __name__ == "__main__":
    main()
