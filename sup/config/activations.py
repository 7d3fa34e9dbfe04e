"""The options of the config group `activation`: the article's seven, and families around them."""

from typing import Any

from sup.config.fields import Option, Setting, axis
from sup.config.rules import ANY_NUMBER, AT_LEAST_ZERO, POSITIVE, Rule


def _articles(name: str, meaning: str, **settings: Setting) -> Option:
    return Option(f"sup.model.activations.{name}", meaning, settings)


def _family(path: str, meaning: str, **settings: Setting) -> Option:
    return Option(f"sup.model.families.{path}", meaning, settings)


def _are_names(value: Any) -> bool:
    """Tell whether a value is a list of options that can be those of groups."""
    known = ACTIVATIONS.keys() - {"groups"}
    are_words = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return are_words and len(value) > 1 and known.issuperset(value)


_NAMES = Rule("a list of two activations' names or more, such as [relu,tanh]", _are_names)

ACTIVATIONS: dict[str, Option] = {
    "linear": _articles("Linear", "f(z) = z"),
    "relu": _articles("ReLU", "f(z) = max(z, 0)"),
    "gelu": _articles(
        "GELU",
        "f(z) = z Phi(scale z), Phi the normal distribution",
        scale=axis(1.0, POSITIVE, "how narrow the bend is; towards infinity: ReLU"),
    ),
    "silu": _articles("SiLU", "f(z) = z sigmoid(z)"),
    "sigmoid": _articles(
        "Sigmoid",
        "f(z) = 1 / (1 + exp(-z)), stretched onto (-epsilon, 1 + epsilon)",
        epsilon=axis(0.0, AT_LEAST_ZERO, "how far it goes beyond 0 and 1; 0: the plain sigmoid"),
    ),
    "tanh": _articles("Tanh", "f(z) = tanh(z)"),
    "solu": _articles(
        "SoLU",
        "f(z) = z softmax(z / temperature), over the features of a sample",
        temperature=axis(1.0, POSITIVE, "of the softmax; towards 0: the largest feature alone"),
    ),
    "leaky_relu": _family(
        "straight.LeakyReLU",
        "f(z) = z where z > 0, else slope z",
        slope=axis(0.01, ANY_NUMBER, "the leak, below 0; 0: ReLU, 1: linear"),
    ),
    "softplus": _family(
        "smooth.Softplus",
        "f(z) = log(1 + exp(beta z)) / beta",
        beta=axis(1.0, POSITIVE, "how narrow the bend is; towards infinity: ReLU"),
    ),
    "swish": _family(
        "smooth.Swish",
        "f(z) = z sigmoid(beta z)",
        beta=axis(1.0, AT_LEAST_ZERO, "0: z / 2, 1: SiLU; towards infinity: ReLU"),
    ),
    "elu": _family(
        "smooth.ELU",
        "f(z) = z where z > 0, else alpha (exp(z) - 1)",
        alpha=axis(1.0, AT_LEAST_ZERO, "slope left of 0, and how far it falls; 0: ReLU"),
    ),
    "celu": _family(
        "smooth.CELU",
        "f(z) = z where z > 0, else alpha (exp(z / alpha) - 1)",
        alpha=axis(1.0, POSITIVE, "how far it falls; towards 0: ReLU, towards infinity: linear"),
    ),
    "jump_relu": _family(
        "straight.JumpReLU",
        "f(z) = z where z > threshold, else 0; the jump has no gradient",
        threshold=axis(0.1, AT_LEAST_ZERO, "where it jumps from 0 to that; 0: ReLU"),
    ),
    "squared_relu": _family("smooth.SquaredReLU", "f(z) = max(z, 0)^2"),
    "abs": _family("straight.Abs", "f(z) = abs(z)"),
    "relu6": _family("straight.ReLU6", "f(z) = min(max(z, 0), 6)"),
    "hard_sigmoid": _family("straight.HardSigmoid", "f(z) = min(max(z + 3, 0), 6) / 6"),
    "unit_tanh": _family("smooth.UnitTanh", "f(z) = (1 + tanh(z)) / 2"),
    "solu_norm": _family(
        "mixing.NormalisedSoLU",
        "f(z) = scale LayerNorm(z softmax(z)) + shift, over the features of a sample; not trained",
        scale=axis(1.0, POSITIVE, "standard deviation of a sample's outputs over its features"),
        shift=axis(0.0, ANY_NUMBER, "mean of a sample's outputs over its features"),
    ),
    "groups": _family(
        "mixing.Groups",
        "consecutive groups of features, each with an activation of its own",
        of=Setting(["relu", "tanh"], _NAMES, "names of the groups' activations, in their order"),
    ),
}
