"""Each model's gradient is limited as torch would limit that of the model alone."""

from typing import Any

import numpy as np
import pytest
import torch

import sup
from sup.training.clipping import clip_norms, clip_values


def parameters() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    made = [torch.zeros(3, 2, 4, requires_grad=True), torch.zeros(3, 4, requires_grad=True)]
    for one in made:
        scales = torch.tensor([0.1, 1.0, 30.0]).view(-1, *(1,) * (one.ndim - 1))
        one.grad = torch.randn(one.shape, generator=generator) * scales
    return made


@pytest.mark.parametrize(
    ("ours", "torchs"),
    [
        (clip_norms, torch.nn.utils.clip_grad_norm_),
        (clip_values, torch.nn.utils.clip_grad_value_),
    ],
)
def test_each_instance_as_by_torch(ours, torchs):
    stacked, before = parameters(), parameters()
    ours(stacked, 0.5)
    for k in range(3):
        alone = [torch.zeros_like(one[k], requires_grad=True) for one in before]
        for one, whole in zip(alone, before, strict=True):
            assert whole.grad is not None
            one.grad = whole.grad[k].clone()
        torchs(alone, 0.5)
        for one, whole in zip(alone, stacked, strict=True):
            assert one.grad is not None
            assert whole.grad is not None
            assert torch.allclose(one.grad, whole.grad[k])


def test_alone_and_beside_another_with_a_limit():
    small: dict[str, Any] = {"n_features": 5, "n_hidden": 2, "steps": 50, "batch_size": 64}
    limit: dict[str, Any] = {"trainer_gradient_clip_val": 0.01, "optimizer": "torch.optim.SGD"}
    limit |= {"optimizer_lr": 1.0}
    pair = sup.train(sparsity=[0, 0.9], **limit, **small)
    alone = sup.train(sparsity=0.9, **limit, **small)
    free = sup.train(sparsity=0.9, **limit | {"trainer_gradient_clip_val": None}, **small)
    assert abs(pair["W"].isel(sparsity=1) - alone["W"]).max() < 1e-6
    assert abs(free["W"] - alone["W"]).max() > 1e-2
    assert np.isfinite(alone["loss"])
