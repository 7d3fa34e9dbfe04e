"""The framework, stacks and all, against a toy model in plain torch."""

import numpy as np
import pytest
import reference

import sup

SPARSITIES = (0, 0.9)


@pytest.fixture(scope="module")
def stacked():
    """Train every activation at every sparsity in one stack."""
    activations = list(reference.ACTIVATIONS)
    return sup.train(activation=activations, sparsity=list(SPARSITIES), steps=300)


@pytest.mark.parametrize("sparsity", SPARSITIES)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_the_same_weights_as_in_plain_torch(activation: str, sparsity: float, stacked):
    W, b = reference.train(activation, S=sparsity)
    ours = stacked.sel(activation=activation, sparsity=sparsity)
    assert np.abs(ours["W"].values - W.numpy()).max() < 2e-5
    assert np.abs(ours["b"].values - b.numpy()).max() < 2e-5
