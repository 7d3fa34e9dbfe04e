"""What is to be compiled is compiled, for as many stacks as there are; and only where it pays."""

import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import pytest
import torch

from sup.training.compiling import pays
from sup.training.engines import ClosedFormEngine

ROOT = Path(__file__).parents[3]
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_compiling_pays_only_for_long_work():
    cpu = partial(pays, CPU, features=10, batch=1024)
    assert not cpu(steps=100, instances=1, activations=1)
    assert cpu(steps=10_000, instances=70, activations=1)
    assert not cpu(steps=10_000, instances=70, activations=7)


def test_on_a_gpu_compiling_saves_less_and_takes_longer():
    gpu = partial(pays, GPU, features=10, batch=1024)
    assert not gpu(steps=10_000, instances=70, activations=1)
    assert not gpu(steps=10_000, instances=2_000, activations=1)
    assert gpu(steps=10_000, instances=4_000, activations=1)
    assert not gpu(steps=10_000, instances=4_000, activations=7)


def words(batch: int) -> torch.Tensor:
    return torch.randint(2**32, (2, 6, batch), generator=torch.Generator().manual_seed(0))


COUNT = """
import sys
from functools import partial

import torch

sys.path.insert(0, "tests/sup/training")
from conftest import an_engine
from sup.training.engines import ClosedFormEngine

compiled = 0


def backend(graph, example):
    global compiled
    compiled += 1
    return graph.forward


torch.compile = partial(torch.compile, backend=backend)
for batch in range(10, 21):
    engine = an_engine(ClosedFormEngine)
    words = torch.randint(2**32, (2, 6, batch))
    compiled = 0
    engine.compile(words)
    engine(words)
    print(compiled, end=" ")
print(torch._dynamo.config.recompile_limit)
"""


def test_no_stack_is_the_one_too_many():
    # In a process of its own: torch compiles nothing whose annotations are checked.
    done = subprocess.run(
        [sys.executable, "-c", COUNT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # The inputs and two activations, once for each of eleven stacks; the limit is what it was.
    assert done.stdout.split() == ["3"] * 11 + ["8"]


def test_full_precision_is_no_reason_to_go_on_uncompiled(small_engine, monkeypatch):
    """Inductor's warning where a GPU has less precise products, which here are not wanted."""

    def compiler(message, function, **options):
        def called(*arguments):
            warnings.warn(message, stacklevel=2)
            return function(*arguments)

        return called

    less = "TensorFloat32 tensor cores for float32 matrix multiplication available but not enabled."
    engine = small_engine(ClosedFormEngine)
    monkeypatch.setattr("torch.compile", partial(compiler, less))
    engine.compile(words(10))
    monkeypatch.setattr("torch.compile", partial(compiler, "anything else"))
    with pytest.raises(UserWarning, match="anything else"):
        engine.compile(words(10))
