"""Claims are decided by results: by perfect models they hold, by spoilt ones they do not."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sup.article.claims import CLAIMS, judge
from sup.article.evidence import Evidence

SPARSITIES = np.array([0.0, 0.5, 0.99])
BY_NAME = {claim.name: claim for claim in CLAIMS}


def bottleneck(**weights: np.ndarray) -> Evidence:
    """Make evidence of four features in two dimensions from weights by activation and sparsity."""
    import torch

    from sup.analysis.metrics import PER_FEATURE

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
    from sup.analysis import published

    curves = published.dimensions_per_feature()
    own = {str(name): curves.sel(activation=name).values for name in curves["activation"].values}
    evidence = {"dimensions": dimensions(**own)}
    verdict = judge(BY_NAME["C10"], evidence)
    failed = [part.rule for part in verdict.parts if not part.holds]
    assert failed == ["tanh: greatest distance of D* from 1, to be below 0.05"]  # .757 at S = 0
    evidence = {"dimensions": dimensions(**own | {"relu": np.linspace(1, 0.9, 20)})}
    spoilt = judge(BY_NAME["C10"], evidence)
    assert spoilt.word == "depends"
    assert [part.rule[:4] for part in spoilt.parts if not part.holds] == ["tanh", "ReLU"]


def test_without_results_nothing_is_decided():
    for claim in CLAIMS:
        assert judge(claim, {}).word == "not decided"
    lacking = judge(BY_NAME["C2"], {"bottleneck": bottleneck(linear=TOP)})
    assert (lacking.word, lacking.parts) == ("not decided", [])


def like_relu(density: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Return phases like those of ReLU's optimum: a pair in the sparse part, else the greater."""
    boundary = 0.72 * np.minimum(ratio, 1 / ratio) ** 0.57
    return np.where(density < boundary, 1, np.where(ratio < 1, 0, 2))


def phase_diagram(size: int = 21, **kinds: str) -> Evidence:
    """Make evidence of phase diagrams: "theory" is ReLU's, "top" linear's, others everywhere."""
    density, ratio = np.geomspace(1, 0.01, size), np.geomspace(0.1, 10, size)
    weights = np.array([(1.0, 0.0), (1.0, -1.0), (0.0, 1.0), (0.0, 0.0), (np.nan, np.nan)])
    top = np.where(ratio < 1, 0, 2)[:, None] + np.zeros((size, size), int)
    top[np.abs(np.log(ratio)) < 1e-6] = 1
    whole = {name: np.full((size, size), k) for k, name in enumerate(("first", "pair", "extra"))}
    whole |= {"dead": np.full((size, size), 3), "diverged": np.full((size, size), 4)}
    whole |= {"top": top, "theory": like_relu(density[None], ratio[:, None])}
    W = np.stack([weights[whole[kind]] for kind in kinds.values()])[..., None, :]
    dims = ("activation", "importance_ratio", "sparsity")
    coordinates = {
        "activation": list(kinds),
        "importance_ratio": ratio,
        "sparsity": 1 - density,
    }
    data = {"W": ((*dims, "hidden", "feature"), W), "loss": (dims, np.ones(W.shape[:3]))}
    return Evidence(Path(), xr.Dataset(data, coordinates))


@pytest.mark.parametrize(
    ("name", "kinds", "word"),
    [
        ("C3", {"relu": "theory"}, "holds"),
        ("C3", {"relu": "pair"}, "depends"),
        ("C3", {"relu": "dead"}, "does not hold"),
        ("C3", {"relu": "diverged"}, "does not hold"),
        ("C5", {"relu": "theory", "gelu": "top", "silu": "top"}, "holds"),
        ("C5", {"relu": "theory", "gelu": "theory", "silu": "top"}, "depends"),
        ("C5", {"relu": "top", "gelu": "theory", "silu": "dead"}, "does not hold"),
        ("C7", {"relu": "theory", "sigmoid": "theory"}, "holds"),
        ("C7", {"relu": "theory", "sigmoid": "top"}, "does not hold"),
    ],
)
def test_the_phase_diagrams_claims(name, kinds, word):
    assert judge(BY_NAME[name], {"phase_diagram": phase_diagram(**kinds)}).word == word


@pytest.mark.parametrize(
    ("tanh", "weights", "word"),
    [("top", TOP, "holds"), ("pair", TOP, "depends"), ("dead", PAIRS, "does not hold")],
)
def test_the_claim_about_tanh(tanh, weights, word):
    evidence = {
        "bottleneck": bottleneck(tanh=weights),
        "phase_diagram": phase_diagram(tanh=tanh, linear="top"),
    }
    assert judge(BY_NAME["C8"], evidence).word == word


def test_the_claim_about_solu():
    for shown, weights, word in (("theory", PAIRS, "holds"), ("pair", TOP, "does not hold")):
        evidence = {
            "bottleneck": bottleneck(solu=weights),
            "phase_diagram": phase_diagram(solu=shown),
        }
        assert judge(BY_NAME["C9"], evidence).word == word


def test_grids_without_the_needed_cells_decide_nothing():
    even = {
        "bottleneck": bottleneck(tanh=TOP),
        "phase_diagram": phase_diagram(20, tanh="top", linear="top"),
    }
    lacking = judge(BY_NAME["C8"], even)
    assert lacking.word == "not decided"
    assert "relative importance 1" in lacking.sentence
    whole = phase_diagram(relu="theory")
    dense = Evidence(Path(), whole.results.isel(sparsity=slice(0, 3)))
    assert judge(BY_NAME["C3"], {"phase_diagram": dense}).word == "not decided"
