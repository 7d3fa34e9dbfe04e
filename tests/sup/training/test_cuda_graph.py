"""What is recorded on a GPU is simply called elsewhere, argument by argument."""

import torch

from sup.training.cuda_graph import Recorded


def test_without_a_gpu_every_call_is_a_call():
    seen = []

    def function(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return 2 * x

    recorded = Recorded(function, torch.device("cpu"))
    given = [torch.tensor([float(k)]) for k in range(6)]
    results = [recorded(x) for x in given]
    assert all(a is b for a, b in zip(seen, given, strict=True))
    assert [result.item() for result in results] == [0, 2, 4, 6, 8, 10]
