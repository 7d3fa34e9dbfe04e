"""The article's ten claims, each judged of what was trained and, where it is known, of the optimum.

A claim is split into parts that can be measured, each with a limit (`sup.article.parts`). Of what
was trained a part is so of most seeds, of few, or undecided; of an optimum it is known. Every
threshold is also tried at half and at double, one at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sup.article import along_dimensions, along_sizes, along_sparsity, over_densities
from sup.article.evidence import Evidence, NotMeasuredError
from sup.article.over_densities import optimal, trained
from sup.article.parts import DOUBLE, FAILS, HALF, NAMES, UNDECIDED, Part, Thresholds, word_of

Measure = Callable[..., list[Part]]
"""From the results that a claim needs, and thresholds, to its parts."""


@dataclass(frozen=True)
class Claim:
    """A claim of the article.

    Args:
        name: C1 to C10.
        text: what the article says.
        needs: the experiments whose results decide it, the first one's figure foremost.
        measure: of what was trained.
        optimum: of the optimum; None where that is not known.
        remark: what else is to be said of it, in a sentence, from all results that there are.
    """

    name: str
    text: str
    needs: tuple[str, ...]
    measure: Measure
    optimum: Measure | None = None
    remark: Callable[[dict[str, Evidence]], str] | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Args:
        claim: which.
        word: the verdict on what was trained, in one word.
        sentence: in one sentence.
        parts: that decide it.
        optimum: the verdict on the optimum; empty where that is not known.
        optimum_parts: that decide it.
        changes: other values of thresholds that change a verdict, each with what it becomes.
        remark: what else there is to say.
    """

    claim: Claim
    word: str
    sentence: str
    parts: Sequence[Part]
    optimum: str = ""
    optimum_parts: Sequence[Part] = ()
    changes: Sequence[str] = ()
    remark: str = ""


def judge(claim: Claim, evidence: dict[str, Evidence]) -> Verdict:
    """Decide a claim, as far as the evidence goes."""
    missing = [name for name in claim.needs if name not in evidence]
    if missing:
        return Verdict(claim, "not decided", f"There are no results of {', '.join(missing)}.", [])
    needed = [evidence[name] for name in claim.needs]
    try:
        parts = claim.measure(*needed, Thresholds())
    except NotMeasuredError as error:
        return Verdict(claim, "not decided", f"There are no {error}.", [])
    known = _measured(claim.optimum, needed, Thresholds())
    return Verdict(
        claim,
        word_of(parts),
        sentence_of(parts),
        parts,
        word_of(known) if known else "",
        known,
        [
            *changes(claim.measure, needed, parts, "trained"),
            *changes(claim.optimum, needed, known, "optimum"),
        ],
        claim.remark(evidence) if claim.remark else "",
    )


def sentence_of(parts: Sequence[Part]) -> str:
    """Say which parts are not so, and which are undecided."""
    said = []
    for word, start in ((FAILS, "Not so"), (UNDECIDED, "Undecided")):
        found = [f"{part.rule} {part.limit}: {part.value}" for part in parts if part.word == word]
        said += [f"{start}: {'; '.join(found)}."] if found else []
    return " ".join(said) or "Every part of it holds."


def changes(
    measure: Measure | None, needed: Sequence[Evidence], parts: Sequence[Part], of: str
) -> Iterator[str]:
    """Yield the values of thresholds, each half or double, that change a verdict.

    Args:
        measure: of the claim.
        needed: its results.
        parts: with thresholds as they are; none where nothing is known.
        of: what is judged.
    """
    word = word_of(parts) if parts else ""
    for factor, times in ((HALF, "half"), (DOUBLE, "double")):
        for name in NAMES if parts else ():
            there = _measured(measure, needed, Thresholds().at(name, factor))
            other = word_of(there) if there else "not measured"
            if other != word:
                value = getattr(Thresholds().at(name, factor), name)
                yield f"{of}: {other} with “{name}” at {times}, {value:.3g}"
        for place, part in enumerate(parts):
            other = word_of([*parts[:place], part.times(factor), *parts[place + 1 :]])
            if other != word:
                limit = part.limit.times(factor)
                yield f"{of}: {other} with {limit} for “{part.rule}”"


def _measured(measure: Measure | None, needed: Sequence[Evidence], at: Thresholds) -> list[Part]:
    """Return the parts of a claim; none where the results lack what they are about."""
    try:
        return measure(*needed, at) if measure else []
    except NotMeasuredError:
        return []


def tanh(bottleneck: Evidence, phases: Evidence, at: Thresholds) -> list[Part]:
    """C8."""
    top = along_sparsity.of_the_top(bottleneck, "tanh", at)
    return [top, *over_densities.tanh_like_linear(trained, phases, at)]


def tanh_optimum(bottleneck: Evidence, phases: Evidence, at: Thresholds) -> list[Part]:
    """C8, as far as the optimum is known: of phase diagrams."""
    return over_densities.tanh_like_linear(optimal, phases, at)


def solu(bottleneck: Evidence, phases: Evidence, at: Thresholds) -> list[Part]:
    """C9."""
    superposed = along_sparsity.all_in_superposition(bottleneck, "solu", at)
    return [superposed, *over_densities.solu_prefers_the_greater(trained, phases, at)]


def solu_optimum(bottleneck: Evidence, phases: Evidence, at: Thresholds) -> list[Part]:
    """C9, as far as the optimum is known: of phase diagrams."""
    return over_densities.solu_prefers_the_greater(optimal, phases, at)


def _both(measure: Callable[..., list[Part]]) -> tuple[Measure, Measure]:
    """Return the measures of what was trained and of the optimum, of the same rules."""
    return partial(measure, trained), partial(measure, optimal)


_B, _P, _D = "bottleneck", "phase_diagram", "dimensions"

CLAIMS = (
    Claim(
        "C1",
        "Linear: only the top m features, no superposition, at every sparsity.",
        (_B,),
        along_sparsity.linear_keeps_the_top,
        along_sparsity.linear_optimum_keeps_the_top,
    ),
    Claim(
        "C2",
        "ReLU: monosemantic at low sparsity, antipodal pairs at high sparsity; asked of fewer and "
        "more features than 2m as well, where pairs are not all that there is room for.",
        ("bottleneck_sizes",),
        along_sizes.relu_pairs,
    ),
    Claim(
        "C3",
        "ReLU's phase diagram: superposition for all relative importances below density "
        "0.1; the more important feature alone at high density.",
        (_P,),
        *_both(over_densities.relu_phases),
    ),
    Claim(
        "C4",
        "GELU and SiLU behave alike; at most two features per neuron, one dominating.",
        (_B,),
        along_sparsity.gelu_and_silu,
    ),
    Claim(
        "C5",
        "GELU's and SiLU's phase diagrams: significant monosemanticity at high sparsity, "
        "unlike ReLU.",
        (_P,),
        *_both(over_densities.monosemantic_unlike_relu),
        remark=over_densities.corners,
    ),
    Claim(
        "C6",
        "Sigmoid: superposition in all neurons as soon as S > 0.",
        (_B,),
        along_sparsity.sigmoid_speckles,
    ),
    Claim(
        "C7",
        "Sigmoid's phase diagram is much like ReLU's.",
        (_P,),
        *_both(over_densities.sigmoid_like_relu),
    ),
    Claim(
        "C8",
        "Tanh: the most important features at every sparsity, close to linear, with a "
        "difference along r = 1.",
        (_B, _P),
        tanh,
        tanh_optimum,
    ),
    Claim(
        "C9",
        "SoLU: all features in superposition at every sparsity; at low sparsity the phase "
        "diagram prefers the more important feature.",
        (_B, _P),
        solu,
        solu_optimum,
    ),
    Claim(
        "C10",
        "Dimensions per feature fall with sparsity for ReLU, GELU, SiLU, sigmoid and SoLU;"
        " SiLU and GELU nearly coincide; sigmoid and SoLU reach about 1/20; tanh stays at "
        "1; ReLU has a plateau at 1/2.",
        (_D,),
        along_dimensions.dimensions_fall,
        remark=along_dimensions.recipe_and_end,
    ),
)
