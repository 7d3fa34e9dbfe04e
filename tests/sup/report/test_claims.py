"""Claims are decided by results: by perfect models they hold, by spoilt ones they do not."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sup.report.claims import CLAIMS, judge
from sup.report.evidence import Evidence

SPARSITIES = np.array([0.0, 0.5, 0.99])
BY_NAME = {claim.name: claim for claim in CLAIMS}


def bottleneck(**weights: np.ndarray) -> Evidence:
    """Make evidence of four features in two dimensions from weights by activation and sparsity."""
    import torch

    from sup.metrics import PER_FEATURE

    W = np.stack([np.broadcast_to(one, (3, 2, 4)) for one in weights.values()]).astype(float)
    dims = ("activation", "sparsity")
    measures = {
        name: ((*dims, "feature"), metric(torch.tensor(W)).numpy())
        for name, metric in PER_FEATURE.items()
    }
    coordinates = {"activation": list(weights), "sparsity": SPARSITIES}
    data = {"W": ((*dims, "hidden", "feature"), W), "loss": (dims, np.ones(W.shape[:2]))}
    return Evidence(Path(), xr.Dataset({**data, **measures}, coordinates))


TOP = np.eye(2, 4)
PAIRS = np.concatenate([np.eye(2), -np.eye(2)], axis=1)
TILTED = np.concatenate([np.eye(2), 0.5 * np.eye(2)], axis=1)


@pytest.mark.parametrize(
    ("name", "activation", "weights", "word"),
    [
        ("C1", "linear", TOP, "holds"),
        ("C1", "linear", PAIRS, "does not hold"),
        ("C1", "linear", np.stack([TOP, TOP, PAIRS]), "does not hold"),
        ("C2", "relu", np.stack([TOP, TOP, PAIRS]), "holds"),
        ("C2", "relu", TOP, "depends"),
        ("C2", "relu", TILTED, "does not hold"),
        ("C6", "sigmoid", np.stack([TOP, PAIRS, PAIRS]), "holds"),
        ("C6", "sigmoid", TOP, "does not hold"),
    ],
)
def test_the_bottlenecks_claims(name, activation, weights, word):
    verdict = judge(BY_NAME[name], {"bottleneck": bottleneck(**{activation: weights})})
    assert verdict.word == word
    assert all(part.value for part in verdict.parts)


def test_a_rotation_of_hidden_space_changes_no_verdict():
    turned = np.array([[0.6, -0.8], [0.8, 0.6]])
    for W in (TOP, PAIRS, TILTED):
        words = [
            judge(BY_NAME["C4"], {"bottleneck": bottleneck(gelu=one, silu=one)}).word
            for one in (W, turned @ W)
        ]
        assert words[0] == words[1]


def dimensions(**curves: np.ndarray) -> Evidence:
    sparsity = 1 - 1 / np.geomspace(1, 20, 20)
    dims = ("activation", "sparsity")
    values = np.stack(list(curves.values()))
    data = {"dimensions_per_feature": (dims, values), "loss": (dims, np.ones(values.shape))}
    return Evidence(Path(), xr.Dataset(data, {"activation": list(curves), "sparsity": sparsity}))


def test_the_published_curves_make_the_last_claim_hold():
    from sup import published

    curves = published.dimensions_per_feature()
    own = {str(name): curves.sel(activation=name).values for name in curves["activation"].values}
    evidence = {"dimensions": dimensions(**own)}
    verdict = judge(BY_NAME["C10"], evidence)
    assert [part.rule for part in verdict.parts if not part.holds] == []
    evidence = {"dimensions": dimensions(**own | {"relu": np.linspace(1, 0.9, 20)})}
    spoilt = judge(BY_NAME["C10"], evidence)
    assert (spoilt.word, [part.holds for part in spoilt.parts].count(False)) == ("depends", 1)
    assert "plateau" in BY_NAME["C10"].text


def test_without_results_nothing_is_decided():
    for claim in CLAIMS:
        assert judge(claim, {}).word == "not decided"
    lacking = judge(BY_NAME["C2"], {"bottleneck": bottleneck(linear=TOP)})
    assert (lacking.word, lacking.parts) == ("not decided", [])
