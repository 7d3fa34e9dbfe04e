"""Each engine's losses and gradients of shards add up to those of the batch."""

import pytest
import torch
from torch import Tensor

from sup.training.data_parallel import Shard
from sup.training.engines import AutogradEngine, ClosedFormEngine


@pytest.mark.parametrize("kind", [AutogradEngine, ClosedFormEngine])
def test_shards_add_up_to_the_batch(kind, small_engine, monkeypatch):
    rows: list[Tensor] = []
    monkeypatch.setattr("torch.distributed.all_reduce", lambda row: rows.append(row.clone()))
    words = torch.randint(2**32, (2, 6, 15), generator=torch.Generator().manual_seed(2))
    for rank in range(2):
        engine = small_engine(kind)
        parameters = list(engine.models.parameters())
        Shard(rank, 2).all_reduced(engine, parameters)(words)
    whole = small_engine(kind)
    parts = [whole(words), *(one.grad for one in whole.models.parameters())]
    expected = torch.cat([part.flatten() for part in parts])
    assert len(rows) == 2
    assert torch.allclose(rows[0] + rows[1], expected, rtol=1e-5, atol=1e-6)


def test_a_shard_is_laid_out_as_the_copy_that_a_recording_reads():
    words = torch.arange(60).view(2, 3, 10)
    for ranks in (1, 2, 4):
        for rank in range(ranks):
            shard = Shard(rank, ranks).of(words)
            assert shard.stride() == shard.clone().stride()
