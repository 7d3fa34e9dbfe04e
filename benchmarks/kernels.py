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
from sup.training.triton.device import kernels
from sup.training.triton.device.large import TILE
from sup.training.triton.engine import Form, TritonEngine

ACTIVATIONS = {
    kind.__name__.lower(): kind for kind in (Linear, ReLU, GELU, SiLU, Sigmoid, Tanh, SoLU)
}
SIZES = {"2x1": (2, 1, 18_207), "3x2": (3, 2, 1_000), "10x5": (10, 5, 70), "200x20": (200, 20, 140)}
"""n and m, and how many models a stack of them has: those of the article."""
SAMPLES = 1_024
FEW = 100
"""Instructions up to which a loop is one of Adam's."""
SMS, SCHEDULERS, CYCLES = 132, 4, 1.755e9
"""Of an H100, of one of its SMs, and of a second."""
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
        instructions: of a step of a model, of all its warps.
        warps: of a program.
    """

    registers: int
    spilled: int
    shared: int
    instructions: int
    warps: int

    @property
    def programs(self) -> int:
        """How many an SM holds at a time, by registers and warps."""
        own = self.warps * 32 * max(self.registers, 1)
        return max(1, min(REGISTERS // own, WARPS // self.warps))

    def microseconds(self, models: int) -> float:
        """Return what a step of some models takes at the least, if all SMs are kept busy."""
        busiest = -(-models // SMS)  # on one SM
        at_once = min(busiest, self.programs) * self.warps
        return busiest * self.instructions / min(SCHEDULERS, at_once) / CYCLES * 1e6


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
    with mock.patch.object(TritonEngine, "compile"):
        engine = TritonEngine(models, inputs, torch.ones(2, n), SAMPLES)
    optimizer = StackedAdam(list(models.parameters()), torch.ones(2), torch.zeros(2))
    module = mock.Mock(loss_sums=torch.zeros(9, 2), diverged_at=torch.zeros(2, dtype=torch.int64))
    with mock.patch.object(kernels, "train", WarmUp(kernels.train)) as launched:
        steps = engine.whole_steps((0, 1), SAMPLES, 9, module, optimizer)
        steps.take(range(9), mock.Mock(), np.zeros(9, np.int32))
    kernel = launched.compiled
    usage = resources(kernel.asm["cubin"])
    return Compiled(
        registers=usage["REG"],
        spilled=usage["STACK"],
        shared=kernel.metadata.shared,
        instructions=in_a_step(loops(kernel.asm["cubin"]), engine.form, n),
        warps=engine.form.warps,
    )


def in_a_step(found: list[range], form: Form, n: int) -> int:
    """Return the instructions of a step, by the loops of a kernel.

    The longest of all is that over steps. Of those that hold no other, a small model's longest is
    that over samples; a large one's are those over tiles of features, but for Adam's short ones.
    """
    inner = [one for one in found if not any(set(other) < set(one) for other in found)]
    blocks = -(-SAMPLES // form.block)
    if form.large:
        tiles = -(-n // TILE.value)
        return form.warps * blocks * tiles * sum(len(one) for one in inner if len(one) > FEW)
    turn, step = max(map(len, inner)), max(map(len, found))
    return form.warps * (step + (blocks - 1) * turn)


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


def loops(cubin: bytes) -> list[range]:
    """Return the loops of a kernel, as places of instructions."""
    lines = re.findall(r"/\*([0-9a-f]{4,})\*/\s+([^;]*);", said_of(cubin, "-sass"))
    place = {int(address, 16): count for count, (address, _) in enumerate(lines)}
    found = []
    for count, (_, instruction) in enumerate(lines):
        target = re.search(r"\bBRA\b.*0x([0-9a-f]+)", instruction)
        start = place.get(int(target[1], 16), count) if target else count
        if start < count:
            found.append(range(start, count + 1))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", default=[*SIZES], choices=[*SIZES])
    parser.add_argument("--activations", nargs="*", default=["relu", "gelu", "solu"])
    parser.add_argument("--arch", nargs="*", type=int, default=[80, 90, 100])
    options = parser.parse_args()
    head = ("registers", "spilled", "shared", "programs an SM", "models", "us a step of an H100")
    print(f"{'':20}", *(f"{name:>{len(name)}}" for name in head), sep="  ")
    spilled = False
    for arch in options.arch:
        for size in options.sizes:
            for name in options.activations:
                n, m, models = SIZES[size]
                found = compiled(arch, n, m, ACTIVATIONS[name]())
                spilled |= found.spilled > 0
                row = (found.registers, found.spilled, found.shared, found.programs, models)
                print(
                    f"sm_{arch:<4}{size:8}{name:9}",
                    *(f"{one:>{len(title)}}" for one, title in zip(row, head, strict=False)),
                    f"{found.microseconds(models):{len(head[-1])}.1f}",
                    sep="  ",
                    flush=True,
                )
    sys.exit(int(spilled))


if __name__ == "__main__":
    main()
