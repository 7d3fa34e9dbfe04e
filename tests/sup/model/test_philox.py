"""Philox against the known answers of its authors' library, Random123 (kat_vectors)."""

import pytest
import torch

from sup.model.philox import philox

ONES = 0xFFFFFFFF


def tensors(*words: int) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(word) for word in words)


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers(counter, key, answer):
    words = philox(tensors(*counter), tensors(*key))
    assert tuple(word.item() for word in words) == answer


def test_words_broadcast():
    counter = (torch.arange(3), torch.arange(2)[:, None], *tensors(7, 1))
    words = philox(counter, (torch.arange(4)[:, None, None], torch.tensor(0)))
    for word in words:
        assert word.shape == (4, 2, 3)
    alone = philox(tensors(2, 1, 7, 1), tensors(3, 0))
    assert [word[3, 1, 2].item() for word in words] == [word.item() for word in alone]
