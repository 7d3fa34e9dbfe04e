"""The article's ten claims, each decided by stated rules from results.

A claim is split into parts that can be measured, each with the rule by which it is judged. It
holds where all its parts do, does not hold where none does, and depends otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sup.article import rules
from sup.article.evidence import Evidence
from sup.article.rules import NotMeasuredError, Part


@dataclass(frozen=True)
class Claim:
    """A claim of the article.

    Args:
        name: C1 to C10.
        text: what the article says.
        needs: the experiments whose results decide it, the first one's figure foremost.
        measure: from those results to its parts.
    """

    name: str
    text: str
    needs: tuple[str, ...]
    measure: Callable[..., list[Part]]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim: its parts, and the verdict in one word and one sentence."""

    claim: Claim
    word: str
    sentence: str
    parts: list[Part]


def judge(claim: Claim, evidence: dict[str, Evidence]) -> Verdict:
    """Decide a claim, as far as the evidence goes."""
    missing = [name for name in claim.needs if name not in evidence]
    if missing:
        return Verdict(claim, "not decided", f"There are no results of {', '.join(missing)}.", [])
    try:
        parts = claim.measure(*(evidence[name] for name in claim.needs))
    except NotMeasuredError as error:
        sentence = f"There are no {error}."
        return Verdict(claim, "not decided", sentence, [])
    held = sum(part.holds for part in parts)
    word = "holds" if held == len(parts) else "depends" if held else "does not hold"
    failed = "; ".join(f"{part.rule}: {part.value}" for part in parts if not part.holds)
    sentence = "Every part of it holds." if held == len(parts) else f"Not so: {failed}."
    return Verdict(claim, word, sentence, parts)


_B, _P, _D = "bottleneck", "phase_diagram", "dimensions"

CLAIMS = (
    Claim(
        "C1",
        "Linear: only the top m features, no superposition, at every sparsity.",
        (_B,),
        rules.linear_keeps_the_top,
    ),
    Claim(
        "C2",
        "ReLU: monosemantic at low sparsity, antipodal pairs at high sparsity.",
        (_B,),
        rules.relu_pairs,
    ),
    Claim(
        "C3",
        "ReLU's phase diagram: superposition for all relative importances below density "
        "0.1; the more important feature alone at high density.",
        (_P,),
        rules.relu_phases,
    ),
    Claim(
        "C4",
        "GELU and SiLU behave alike; at most two features per neuron, one dominating.",
        (_B,),
        rules.gelu_and_silu,
    ),
    Claim(
        "C5",
        "GELU's and SiLU's phase diagrams: significant monosemanticity at high sparsity, "
        "unlike ReLU.",
        (_P,),
        rules.monosemantic_unlike_relu,
    ),
    Claim(
        "C6",
        "Sigmoid: superposition in all neurons as soon as S > 0.",
        (_B,),
        rules.sigmoid_speckles,
    ),
    Claim("C7", "Sigmoid's phase diagram is much like ReLU's.", (_P,), rules.sigmoid_like_relu),
    Claim(
        "C8",
        "Tanh: the most important features at every sparsity, close to linear, with a "
        "difference along r = 1.",
        (_B, _P),
        rules.tanh_like_linear,
    ),
    Claim(
        "C9",
        "SoLU: all features in superposition at every sparsity; at low sparsity the phase "
        "diagram prefers the more important feature.",
        (_B, _P),
        rules.solu_superposes,
    ),
    Claim(
        "C10",
        "Dimensions per feature fall with sparsity for ReLU, GELU, SiLU, sigmoid and SoLU;"
        " SiLU and GELU nearly coincide; sigmoid and SoLU reach about 1/20; tanh stays at "
        "1; ReLU has a plateau at 1/2.",
        (_D,),
        rules.dimensions_fall,
    ),
)
