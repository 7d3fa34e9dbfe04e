"""The stacked optimizer against torch's own."""

import copy

import pytest
import torch

from sup.training.optimizer import StackedAdam


def parameters(instances: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(instances, 3, 5), (instances, 5)]
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def gradients(like: list[torch.Tensor], step: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(step + 1)
    return [torch.randn(one.shape, generator=generator) * 10.0 ** (step % 5 - 3) for one in like]


def train(params: list[torch.Tensor], optimizer, steps: range = range(50)) -> None:
    for step in steps:
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[0].setdefault(
            "initial", optimizer.param_groups[0]["lr"]
        ) * (1 - step / 50)
        for parameter, gradient in zip(params, gradients(params, step), strict=True):
            parameter.grad = gradient
        optimizer.step()


def close(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_equal_settings_are_torchs_adamw(decay: float):
    ours, theirs = parameters(4), parameters(4)
    train(ours, StackedAdam(ours, torch.full((4,), 0.01), torch.full((4,), decay)))
    train(theirs, torch.optim.AdamW(theirs, lr=0.01, weight_decay=decay))
    assert close(ours, theirs)


def test_each_instance_has_its_own_rate_and_decay():
    rates, decays = [0.1, 0.01, 0.001], [0.0, 0.1, 1.0]
    ours = parameters(3)
    train(ours, StackedAdam(ours, torch.tensor(rates), torch.tensor(decays)))
    for k in range(3):
        theirs = parameters(3)
        train(theirs, torch.optim.AdamW(theirs, lr=rates[k], weight_decay=decays[k]))
        assert close([one[k] for one in ours], [one[k] for one in theirs])


def test_state_can_be_saved_and_taken_over():
    def fresh():
        params = parameters(2)
        return params, StackedAdam(params, torch.tensor([0.1, 0.01]), torch.zeros(2))

    whole, undisturbed = fresh()
    train(whole, undisturbed)
    first, optimizer = fresh()
    train(first, optimizer, range(20))
    saved = copy.deepcopy(optimizer.state_dict())
    second, optimizer = fresh()
    for parameter, value in zip(second, first, strict=True):
        parameter.data.copy_(value)
    optimizer.load_state_dict(saved)
    train(second, optimizer, range(20, 50))
    assert all(torch.equal(a, b) for a, b in zip(whole, second, strict=True))
    one, other = undisturbed.state_dict()["state"], optimizer.state_dict()["state"]
    assert one.keys() == other.keys() == {0, 1}
    for index, moments in one.items():
        assert moments.keys() == {"mean", "square"}
        assert all(torch.equal(moments[name], other[index][name]) for name in moments)
