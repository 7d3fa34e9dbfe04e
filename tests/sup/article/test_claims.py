"""Claims are decided by results: by perfect models they hold, by spoilt ones they do not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from sup.article.along_sparsity import groups, shared
from sup.article.claims import CLAIMS, judge
from sup.article.evidence import Evidence
from sup.article.parts import OfMean, OfSeeds, Thresholds, at_most, scaled, word_of

SPARSITIES = np.array([0.0, 0.5, 0.99])
SEEDS, HIDDEN, FEATURES = 4, 2, 5
BY_NAME = {claim.name: claim for claim in CLAIMS}
AT = Thresholds()


def alike(activations: list[str], weights: np.ndarray) -> Evidence:
    """Make evidence of several activations with the same weights."""
    given: dict[str, Any] = dict.fromkeys(activations, weights)
    return bottleneck(**given)


def explained(W: np.ndarray) -> np.ndarray:
    """Return R2 of ReLU models without biases, of features that come one at a time."""
    gram = np.swapaxes(W, -1, -2) @ W
    own = np.diagonal(gram, axis1=-2, axis2=-1)
    others = np.maximum(gram * (1 - np.eye(gram.shape[-1])), 0)
    return 1 - (1 - own) ** 2 - (others**2).sum(-1)


def bottleneck(**weights: np.ndarray) -> Evidence:
    """Make evidence of five features in two dimensions: weights [(seed,) (sparsity,) ...]."""
    shape = (SEEDS, 3, HIDDEN, FEATURES)
    W = np.stack([np.broadcast_to(one, shape) for one in weights.values()]).astype(float)
    dims = ("activation", "seed", "sparsity")
    data = {
        "W": ((*dims, "hidden", "feature"), W),
        "loss": (dims, np.ones(W.shape[:3])),
        "explained": ((*dims, "feature"), explained(W)),
    }
    coordinates = {
        "activation": list(weights),
        "sparsity": SPARSITIES,
        "seed": range(SEEDS),
        "importance": "geometric",
        "importance_decay": 0.9,
    }
    return Evidence(Path(), xr.Dataset(data, coordinates))


def columns(*features: tuple[float, float]) -> np.ndarray:
    return np.array(features, float).T


TOP = np.eye(HIDDEN, FEATURES)
PAIRS = columns((1, 0), (0, 1), (-1, 0), (0, -1), (0, 0))
TILTED = columns((1, 0), (0, 1), (-0.6, 0), (0, -0.6), (0, 0))
ALIGNED = columns((1, 0), (0, 1), (1, 0), (0, 1), (0, 0))
ZEROS = np.zeros((HIDDEN, FEATURES))
TURNS = 2 * np.pi * np.arange(FEATURES) / FEATURES
PENTAGON = np.stack([np.cos(TURNS), np.sin(TURNS)])
RANDOM = np.random.default_rng(0).normal(size=(SEEDS, 3, HIDDEN, FEATURES)) / 2**0.5
CONTROLS = {
    "linear": TOP,
    "random": RANDOM,
    "aligned": ALIGNED,
    "pentagon": PENTAGON,
    "zeros": ZEROS,
}
"""Models that a rule must tell from what a claim is about."""


@pytest.mark.parametrize(
    ("name", "weights", "word"),
    [
        ("C1", {"linear": TOP}, "holds"),
        ("C1", {"linear": PAIRS}, "does not hold"),
        ("C1", {"linear": np.stack([TOP, TOP, PAIRS])}, "does not hold"),
        ("C4", {"relu": PAIRS, "gelu": TILTED, "silu": TILTED}, "holds"),
        ("C4", {"relu": PAIRS, "gelu": TILTED, "silu": PAIRS}, "depends"),
        ("C6", {"sigmoid": np.stack([TOP, PENTAGON, PENTAGON])}, "holds"),
        ("C6", {"sigmoid": np.stack([TOP, 2 * PENTAGON, 2 * PENTAGON])}, "depends"),  # R2 < 0
    ],
)
def test_claims_along_sparsity(name, weights, word):
    verdict = judge(BY_NAME[name], {"bottleneck": bottleneck(**weights)})
    assert verdict.word == word
    assert all(part.value for part in verdict.parts)


TABLE = {
    # The words of the parts, in their order: + holds, - does not.
    ("C1", "linear"): "++",
    ("C1", "random"): "--",
    ("C1", "aligned"): "--",
    ("C1", "pentagon"): "--",
    ("C1", "zeros"): "-+",
    ("C4", "linear"): "-----",
    ("C4", "random"): "-----",
    ("C4", "aligned"): "-+-+-",
    ("C4", "pentagon"): "-----",
    ("C4", "zeros"): "-----",
    ("C6", "linear"): "+---",
    ("C6", "random"): "-++-",
    ("C6", "aligned"): "+---",
    ("C6", "pentagon"): "-+++",
    ("C6", "zeros"): "+---",
    ("C8", "linear"): "+",
    ("C8", "random"): "-",
    ("C8", "aligned"): "-",
    ("C8", "pentagon"): "-",
    ("C8", "zeros"): "-",
    ("C9", "linear"): "-",
    ("C9", "random"): "-",
    ("C9", "aligned"): "-",
    ("C9", "pentagon"): "+",
    ("C9", "zeros"): "-",
}
SIGNS = {"holds": "+", "does not hold": "-", "undecided": "?"}
ABOUT = {
    "C1": ["linear"],
    "C4": ["relu", "gelu", "silu"],
    "C6": ["sigmoid"],
    "C8": ["tanh"],
    "C9": ["solu"],
}


@pytest.mark.parametrize(("name", "control"), TABLE)
def test_what_each_rule_says_of_controls(name: str, control: str):
    """Of claims with phase diagrams, too, the parts that are about ten features in five."""
    evidence = {
        "bottleneck": alike(ABOUT[name], CONTROLS[control]),
        "phase_diagram": phase_diagram(gain=0.0, tanh="top", linear="top", solu="dead"),
    }
    verdict = judge(BY_NAME[name], evidence)
    parts = "".join(SIGNS[part.word] for part in verdict.parts)
    assert parts[: len(TABLE[name, control])] == TABLE[name, control]
    assert (verdict.word == "holds") == ((name, control) == ("C1", "linear"))


def test_what_belongs_together():
    sizes = [sorted(map(len, groups(W, AT))) for W in (PAIRS, TOP, PENTAGON, ALIGNED, ZEROS)]
    assert sizes == [[2, 2], [1, 1], [5], [2, 2], []]


def test_what_is_shared_does_not_depend_on_scale():
    slanted = np.array([[1.0, 0.35], [0.0, 1.0]])
    told = [shared(c * W, AT).tolist() for W in (PENTAGON, slanted) for c in (0.25, 1, 4)]
    assert told == [[True] * 5] * 3 + [[True, False]] * 3


def test_a_rotation_of_hidden_space_changes_no_verdict():
    turned = np.array([[0.6, -0.8], [0.8, 0.6]])
    for W in (TOP, PAIRS, TILTED):
        words = [
            judge(BY_NAME["C4"], {"bottleneck": bottleneck(relu=TOP, gelu=one, silu=one)}).word
            for one in (W, turned @ W)
        ]
        assert words[0] == words[1]


def test_where_seeds_disagree_too_much_nothing_is_decided():
    mixed = np.stack([np.stack([TOP] * 3)] * 3 + [np.stack([PAIRS] * 3)])
    verdict = judge(BY_NAME["C1"], {"bottleneck": bottleneck(linear=mixed)})
    assert verdict.word == "undecided"
    assert "Undecided: share of sparsities" in verdict.sentence
    assert "so of 3 of 4 seeds (30% to 95% of all)" in verdict.parts[0].value


def test_each_threshold_is_tried_by_itself_and_what_it_changes_is_said():
    slanted = np.concatenate([np.eye(2), 0.07 * np.eye(2, 3)], axis=1)  # interference .07
    verdict = judge(BY_NAME["C1"], {"bottleneck": bottleneck(linear=slanted)})
    assert verdict.word == verdict.optimum == "holds"
    (change,) = verdict.changes
    assert change == "trained: depends with ≤ 0.05 for “greatest interference |Wᵢ·Wⱼ|”"
    assert judge(BY_NAME["C1"], {"bottleneck": bottleneck(linear=TOP)}).changes == []


def test_a_threshold_that_decides_is_found_though_another_would_undo_it():
    """Of .9 in superposition from a density of .1 to .2 there is none at half that density."""
    whole = phase_diagram(relu="onset").results
    spoilt = whole["W"].copy()
    between = (1 - whole["sparsity"] > 0.1) & (1 - whole["sparsity"] < 0.2)
    spoilt.loc[{"sparsity": between, "importance_ratio": whole["importance_ratio"][:6]}] = 0.0
    verdict = judge(BY_NAME["C3"], {"phase_diagram": Evidence(Path(), whole.assign(W=spoilt))})
    assert verdict.word == "holds"
    assert "trained: depends with “sparse” at double, 0.2" in verdict.changes


def test_thresholds_near_one_are_scaled_from_there():
    assert scaled(0.95, 2.0) == pytest.approx(0.9)
    assert scaled(0.1, 2.0) == 0.2
    assert (scaled(2, 0.5), scaled(2, 2.0)) == (1, 4)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([0, 0, 0, 0], "holds"),
        ([2, 2, 2, 2], "does not hold"),
        ([1, 1, 1, 1], "holds"),  # at the limit
        ([1, 1, 1, 1, 1, 1, 1, 2], "holds"),
        ([0, 0, 0], "undecided"),  # three seeds do not tell of most
        ([0, 0, 2, 2], "undecided"),
        ([np.nan] * 4, "does not hold"),
    ],
)
def test_seeds_decide_by_how_many_are_so(values, word):
    assert OfSeeds("", at_most(1), np.array(values, float)).word == word


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([0.9, 0.91, 0.92], "holds"),
        ([1.1, 1.11, 1.12], "does not hold"),
        ([0.9, 1.0, 1.05], "undecided"),
        ([0.9, 0.9], "undecided"),  # two seeds have no interval
    ],
)
def test_means_decide_by_their_interval(values, word):
    assert OfMean("", at_most(1), np.array(values)).word == word


def test_a_claim_depends_where_parts_disagree():
    parts = [OfSeeds("", at_most(1), np.full(4, value)) for value in (0, 2)]
    words = [word_of(parts[:1]), word_of(parts[1:]), word_of(parts)]
    assert words == ["holds", "does not hold", "depends"]


def dimensions(**curves: np.ndarray) -> Evidence:
    sparsity = 1 - 1 / np.geomspace(1, 20, 20)
    dims = ("activation", "seed", "sparsity")
    values = np.repeat(np.stack(list(curves.values()))[:, None], 3, axis=1)
    data = {"dimensions_per_feature": (dims, values), "loss": (dims, np.ones(values.shape))}
    coordinates = {"activation": list(curves), "sparsity": sparsity, "seed": range(3)}
    return Evidence(Path(), xr.Dataset(data, coordinates))


def test_the_published_curves_make_the_last_claim_hold():
    from sup.analysis import published

    curves = published.dimensions_per_feature()
    own = {str(name): curves.sel(activation=name).values for name in curves["activation"].values}
    verdict = judge(BY_NAME["C10"], {"dimensions": dimensions(**own)})
    failed = [part.rule for part in verdict.parts if part.word != "holds"]
    assert failed == ["tanh: greatest distance of D* from 1"]  # .757 at S = 0
    spoilt_curves = own | {"relu": np.linspace(1, 0.9, 20)}
    spoilt = judge(BY_NAME["C10"], {"dimensions": dimensions(**spoilt_curves)})
    assert spoilt.word == "depends"
    assert [part.rule[:4] for part in spoilt.parts if part.word != "holds"] == [
        "D* f",
        "tanh",
        "ReLU",
    ]


def test_what_is_the_recipe_and_what_the_end_is_said_of_reaching_a_twentieth():
    from sup.analysis import published

    curves = published.dimensions_per_feature()
    own = {str(name): curves.sel(activation=name).values for name in curves["activation"].values}
    recipe, end = dimensions(**own), dimensions(sigmoid=np.linspace(0.2, 0.0274, 20))
    shaped = {"W": (("hidden", "feature"), np.zeros((20, 200)))}
    recipe = Evidence(Path(), recipe.results.assign(shaped))
    end = Evidence(Path(), end.results.assign(loss=end.results["loss"] * 0.8))
    both = {"dimensions": recipe, "dimensions_converged": end}
    said = judge(BY_NAME["C10"], both).remark
    assert "of sigmoid 0.0556 by the article's recipe, 0.0274 trained to the end" in said
    assert "(+25.0% loss by the recipe), 0.0228 by a mean field" in said
    assert "by the article's recipe, its end unknown." in said  # SoLU's
    assert "was not measured" in judge(BY_NAME["C10"], {"dimensions": recipe}).remark


def test_without_results_nothing_is_decided():
    for claim in CLAIMS:
        assert judge(claim, {}).word == "not decided"
    lacking = judge(BY_NAME["C6"], {"bottleneck": bottleneck(linear=TOP)})
    assert (lacking.word, lacking.parts) == ("not decided", [])


WEIGHTS = np.array([(1.0, 0.0), (1.0, -1.0), (0.0, 1.0), (0.0, 0.0), (np.nan, np.nan)])


def variance(p: np.ndarray) -> np.ndarray:
    return p / 3 - p**2 / 4


def phase_diagram(size: int = 21, gain: float = 0.1, **kinds: str) -> Evidence:
    """Make evidence of phase diagrams, trained ones and the same as optima.

    "onset" has superposition up to a density that depends on r, "top" is linear's, others are the
    same everywhere. Losses are those of one feature alone, less `gain` at r = 1.
    """
    density, ratio = np.geomspace(1, 0.01, size), np.geomspace(0.1, 10, size)
    top = np.where(ratio < 1, 0, 2)[:, None] + np.zeros((size, size), int)
    near = np.minimum(ratio, 1 / ratio)[:, None]
    kind: dict[str, Any] = {name: np.full_like(top, k) for k, name in enumerate(("first", "pair"))}
    kind |= {"extra": np.full_like(top, 2), "dead": np.full_like(top, 3)}
    kind |= {"diverged": np.full_like(top, 4), "top": top}
    kind["onset"] = np.where(density < 0.15 + 0.6 * near, 1, top)
    cells = np.stack([kind[name] for name in kinds.values()])
    W = np.repeat(WEIGHTS[cells][:, None, ..., None, :], SEEDS, axis=1)
    loss = 0.01 + np.minimum(ratio, 1)[:, None] * variance(density)
    loss = np.where(np.abs(np.log(ratio))[:, None] < 1e-6, (1 - gain) * loss, loss)
    dims = ("activation", "seed", "importance_ratio", "sparsity")
    data = {
        "W": ((*dims, "hidden", "feature"), W),
        "loss": (dims, np.broadcast_to(loss, W.shape[:4])),
        "optimum_loss": (dims, np.broadcast_to(loss, W.shape[:4])),
        "optimum_phase": (dims, np.repeat(np.minimum(cells, 2)[:, None], SEEDS, axis=1)),
    }
    coordinates = {
        "activation": list(kinds),
        "importance_ratio": ratio,
        "sparsity": 1 - density,
        "seed": range(SEEDS),
    }
    return Evidence(Path(), xr.Dataset(data, coordinates))


@pytest.mark.parametrize(
    ("name", "kinds", "word"),
    [
        ("C3", {"relu": "onset"}, "holds"),
        ("C3", {"relu": "pair"}, "depends"),
        ("C3", {"relu": "dead"}, "does not hold"),
        ("C3", {"relu": "diverged"}, "does not hold"),
        ("C5", {"relu": "onset", "gelu": "top", "silu": "top"}, "holds"),
        ("C5", {"relu": "onset", "gelu": "onset", "silu": "top"}, "depends"),
        ("C5", {"relu": "top", "gelu": "onset", "silu": "dead"}, "does not hold"),
        ("C7", {"relu": "onset", "sigmoid": "onset"}, "holds"),
        ("C7", {"relu": "onset", "sigmoid": "top"}, "does not hold"),
        ("C7", {"relu": "top", "sigmoid": "top"}, "not decided"),
        ("C7", {"relu": "dead", "sigmoid": "dead"}, "not decided"),
    ],
)
def test_the_phase_diagrams_claims(name, kinds, word):
    verdict = judge(BY_NAME[name], {"phase_diagram": phase_diagram(**kinds)})
    assert verdict.word == word
    if not {"dead", "diverged"} & set(kinds.values()):
        assert verdict.optimum == word.replace("not decided", "")


@pytest.mark.parametrize(
    ("tanh", "weights", "gain", "word"),
    [
        ("top", TOP, 0.1, "holds"),
        ("top", TOP, 0.0, "depends"),  # linear models gain nothing at r = 1
        ("pair", TOP, 0.1, "not decided"),
        ("first", PAIRS, 0.0, "does not hold"),
    ],
)
def test_the_claim_about_tanh(tanh, weights, gain, word):
    evidence = {
        "bottleneck": bottleneck(tanh=weights),
        "phase_diagram": phase_diagram(gain=gain, tanh=tanh, linear="top"),
    }
    assert judge(BY_NAME["C8"], evidence).word == word


def test_the_claim_about_solu():
    for shown, weights, word in (("onset", PENTAGON, "holds"), ("pair", TOP, "does not hold")):
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
    whole = phase_diagram(relu="onset")
    dense = Evidence(Path(), whole.results.isel(sparsity=slice(0, 3)))
    assert judge(BY_NAME["C3"], {"phase_diagram": dense}).word == "not decided"
    unknown = Evidence(Path(), whole.results.drop_vars("optimum_phase"))
    assert judge(BY_NAME["C3"], {"phase_diagram": unknown}).optimum == ""
