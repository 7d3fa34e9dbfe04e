"""Held-out samples of sparse inputs, among which none is wasted on the input of zeros.

At a sparsity of 0.9999, one of a thousand inputs of ten features holds anything but zeros, so that
a mean over 65,536 plain samples is off by a tenth. Here the input of zeros is one sample of its own
with its exact probability, and all others hold at least one feature. They are drawn from exactly
that distribution: the first feature that is present, evenly spread over its own probabilities, then
the later ones, each by itself. This is stratified sampling (Cochran, 1977, chapter 5).
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from sup.model.inputs import Draws, Purpose, as_uniforms, lattice, present_values

BATCHES, SAMPLES = 64, 1024
"""Held-out losses are means over 64 x 1024 samples, whatever the seed and the batch size; batches
are independent of each other, so that they tell the standard error of their mean."""


def first_present(
    density: Float[Tensor, "group feature"],
) -> tuple[Float[Tensor, " group"], Float[Tensor, "group feature"]]:
    """Return the chance that any feature is present, and, if one is, which is the first.

    Args:
        density: p of each feature, in (0, 1].

    Returns:
        ``1 - prod_i (1 - p_i)``, and ``p_j prod_{i < j} (1 - p_i)`` over it, in float64.
    """
    p = density.cpu().double()  # Apple's GPUs have no float64
    absent = torch.log1p(-p).cumsum(-1)
    before = torch.cat([torch.zeros_like(absent[:, :1]), absent[:, :-1]], dim=-1)
    any_present = -torch.expm1(absent[:, -1])
    return any_present, p * before.exp() / any_present[:, None]


class HeldOut:
    """Makes held-out inputs, the same for every seed: on its own, one could look better by luck.

    Args:
        density: ``p`` of each input's features, in [2^-24, 1].
    """

    def __init__(self, density: Float[Tensor, "group feature"]):
        self.density = density
        any_present, first = first_present(density)
        self.any_present = any_present.to(density)
        self.share = first.to(density)
        ends = first.cumsum(-1)
        self.ends = (ends / ends[:, -1:]).to(density)
        last, scale = lattice(density.cpu().double(), density.dtype)
        self.last, self.scale = last.to(density.device), scale.to(density.device)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches: inputs ``[group, feature, sample]`` and their weights ``[group, sample]``.

        The weights of a batch sum to 1; its last sample is the input of zeros.
        """
        shape = (self.density.shape[1] + 1, SAMPLES)
        draws = Draws((0,), shape, self.density.device)
        for drawn in draws.each(Purpose.EVALUATION, range(BATCHES)):
            words, place = drawn[0].split((shape[0] - 1, 1))
            x = self.with_any_present(words, as_uniforms(place[0]))
            x = torch.cat([x, torch.zeros_like(x[..., :1])], dim=-1)
            each = (self.any_present / SAMPLES)[:, None].expand(-1, SAMPLES)
            yield x, torch.cat([each, (1 - self.any_present)[:, None]], dim=-1)

    def with_any_present(
        self, words: Int[Tensor, "feature sample"], place: Float32[Tensor, " sample"]
    ) -> Float[Tensor, "group feature sample"]:
        """Return inputs that hold at least one feature.

        Args:
            words: in [0, 2^32), for the features after the first that is present.
            place: uniforms on [0, 1) for the first; that of sample k of N is decided by
                ``(k + place) / N``.
        """
        at = torch.arange(len(place), device=place.device) + place.to(self.density)
        spread = (at / len(place)).expand(len(self.ends), -1).contiguous()
        last = self.density.shape[1] - 1
        first = torch.searchsorted(self.ends, spread, right=True).clamp(max=last)
        start = self.ends.gather(1, first) - self.share.gather(1, first)
        value = ((spread - start) / self.share.gather(1, first)).clamp(0, 1)
        feature = torch.arange(last + 1, device=words.device)[:, None]
        later = present_values(words[None], self.last, self.scale)
        x = torch.where(feature > first[:, None], later, 0.0)
        return torch.where(feature == first[:, None], value[:, None], x)
