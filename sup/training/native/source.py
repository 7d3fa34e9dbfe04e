"""What is compiled: the kernel's sources, for one size and one activation."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sup.model.activations import Activation
from sup.model.expressions import Language, expressions_of
from sup.training.written import is_solu

LARGEST_SMALL = 64
"""Weights of a model up to which all of sixteen samples stays in registers: measured from n=2, m=1
to n=64, m=2, beyond it blocks of samples in the cache are up to 1.2 times as fast."""

BLOCK = 16
"""Vectors of samples in a block of the form for larger models (`batch.h`)."""

CPP = Language(number="Lanes({!r})".format, parameter="Lanes(parameter[{}])")

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Kernel:
    """A kernel to be compiled.

    Args:
        n_features: n.
        n_hidden: m.
        activation: C++ that defines it, see `activation_source`.
        quadrature: whether inputs are nodes with their probabilities, and not drawn.
    """

    n_features: int
    n_hidden: int
    activation: str
    quadrature: bool

    @property
    def block(self) -> int:
        """How many vectors of samples stand together in the kernel's inputs."""
        return BLOCK if self.n_features * self.n_hidden > LARGEST_SMALL else 1

    @property
    def source(self) -> str:
        """The whole source, in which the kernel's files are included."""
        lines = [
            f"constexpr int N = {self.n_features}, M = {self.n_hidden};",
            f"#define LARGE {int(self.block > 1)}",
            f"#define QUADRATURE {int(self.quadrature)}",
            '#include "lanes.h"',
            self.activation,
            '#include "step.cpp"',
        ]
        return "\n".join(lines) + "\n"


@cache
def files_digest() -> str:
    """Return a digest of the kernel's files."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.h"), *HERE.glob("*.cpp")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def activation_source(activation: Activation) -> str | None:
    """Return C++ that defines an activation; None where it does not say how it is written.

    Raises:
        ValueError: where what it says is no expression.
    """
    if is_solu(activation):
        return "#define SOLU 1\nconstexpr int PARAMETERS = 1;"
    expressions = expressions_of(activation)
    if expressions is None:
        return None
    value, slope = expressions.written(CPP)
    return (
        f"#define SOLU 0\nconstexpr int PARAMETERS = {len(expressions.parameters)};\n"
        "static INLINE void activate(Lanes z, const float *parameter, Lanes &y, Lanes &slope) {\n"
        f"  y = {value};\n  slope = {slope};\n}}"
    )
