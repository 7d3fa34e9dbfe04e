"""The options of what is modelled, and of what models it: features, their magnitude, the model."""

from dataclasses import replace
from typing import Any

from sup.config.fields import Option, Setting, axis
from sup.config.rules import (
    ANY_NUMBER,
    AT_LEAST_ONE,
    AT_LEAST_ONE_OF_ANY,
    AT_LEAST_TWO,
    AT_LEAST_ZERO,
    CORRELATION,
    DECAY,
    POSITIVE,
    SPARSITY,
    YES_NO,
    words,
)

_SIZE = Setting(2, AT_LEAST_TWO, "features of a group; divides n_features")

FEATURES: dict[str, Option] = {
    "independent": Option(
        "sup.model.inputs.independent",
        "each feature is zero with probability sparsity, independently of the others",
    ),
    "explicit": Option(
        "sup.model.inputs.independent",
        "the same, with a sparsity for each feature",
        {"sparsity": Setting(None, SPARSITY, "sparsities", per_feature=True)},
        has_sparsity=False,
    ),
    "correlated": Option(
        "sup.model.features.correlated.Correlated",
        "groups of features that are present together, or instead of each other",
        {
            "correlation": axis(
                1.0, CORRELATION, "of the presence of two features of a group; 1: all or none"
            ),
            "size": _SIZE,
        },
    ),
    "power_law": Option(
        "sup.model.inputs.power_law",
        "independent features; i = 1..n is present with probability (1 - sparsity) / i^exponent",
        {"exponent": axis(1.0, AT_LEAST_ZERO, "of the power law; 1: Zipf's")},
    ),
    "hierarchical": Option(
        "sup.model.features.hierarchical.Hierarchical",
        "groups of a parent, of the given sparsity, and children that are present only with it",
        {
            "child": axis(0.5, DECAY, "probability of a child where its parent is present"),
            "size": _SIZE,
        },
    ),
    "exactly": Option(
        "sup.model.features.exactly.Exactly",
        "the same number of features in every sample, any of them",
        {"active": Setting(1, AT_LEAST_ONE, "features present, at most n_features")},
        has_sparsity=False,
    ),
    "at_least_one": Option(
        "sup.model.features.at_least_one.AtLeastOne",
        "independent features, in samples in which one at least is present",
    ),
}

_SCALE = axis(1.0, POSITIVE, "standard deviation of the normal number; mean of the exponential")

MAGNITUDES: dict[str, Option] = {
    "unit": Option("sup.model.magnitude.unit", "uniform on [0, 1]"),
    "uniform": Option(
        "sup.model.magnitude.uniform",
        "uniform on [low, high]; signed where low is negative",
        {
            "low": axis(-1.0, ANY_NUMBER, "least value"),
            "high": axis(1.0, ANY_NUMBER, "greatest value"),
        },
    ),
    "fixed": Option(
        "sup.model.magnitude.fixed",
        "always the same",
        {"value": axis(1.0, ANY_NUMBER, "of a feature that is present")},
    ),
    "half_normal": Option(
        "sup.model.magnitude.half_normal",
        "the size of a normal number",
        {"scale": _SCALE},
    ),
    "normal": Option(
        "sup.model.magnitude.normal",
        "normal with mean 0, signed",
        {"scale": _SCALE},
    ),
    "exponential": Option(
        "sup.model.magnitude.exponential",
        "exponential",
        {"scale": _SCALE},
    ),
}

_TIED: dict[str, Setting] = {
    "bias": Setting(True, YES_NO, "whether b is learned; false: it stays 0"),
    "hidden_activation": Setting(
        "linear",
        words("linear", "relu", "gelu", "silu", "sigmoid", "tanh", "solu"),
        "activation of the hidden dimensions, which makes them a privileged basis",
    ),
    "noise": axis(0.0, AT_LEAST_ZERO, "standard deviation of normal noise on h in training"),
    "l1": axis(0.0, AT_LEAST_ZERO, "what the L1 norm of h counts in the loss that is minimised"),
    "exponent": Setting(
        2.0, AT_LEAST_ONE_OF_ANY, "power of the absolute errors whose weighted sum is minimised"
    ),
    "task": Setting(
        "identity", words("identity", "abs"), "what the output is to be: x, or its absolute value"
    ),
}


def _model(target: str, meaning: str, **changes: Any) -> Option:
    unit_norm = {"unit_norm": Setting(False, YES_NO, "scale each direction of D to norm 1")}
    own = _TIED | (unit_norm if target == "Untied" else {})
    settings = {
        name: replace(about, default=changes.get(name, about.default))
        for name, about in own.items()
    }
    return Option(f"sup.model.structure.{target}", meaning, settings)


MODELS: dict[str, Option] = {
    "plain": Option("sup.model.structure.Plain", "x' = f(W^T W x + b), and the squared error"),
    "tied": _model("Tied", "x' = f(W^T h + b) of h = g(W x) + noise"),
    "untied": _model("Untied", "x' = f(D^T h + b) of h = g(W x) + noise, D a decoder of its own"),
}
