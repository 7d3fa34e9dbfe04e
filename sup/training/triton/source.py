"""An activation's two expressions as a Triton function."""

import hashlib
import linecache
from functools import cache
from typing import Any

import numpy as np

from sup.model.activations import Activation
from sup.model.expressions import Language, expressions_of
from sup.training.triton.device import functions
from sup.training.written import is_solu

LARGEST, SMALLEST = (float(one) for one in (np.finfo(np.float32).max, np.finfo(np.float32).tiny))


def in_float32(number: float) -> str:
    """Write a number that Triton takes for float32: none but a normal one, or 0."""
    nearest = float(np.float32(np.clip(number, -LARGEST, LARGEST)))
    return repr(nearest if abs(nearest) >= SMALLEST else 0.0)


TRITON = Language(
    number=in_float32,
    parameter="parameter{}",
    names={"max": "maximum", "min": "minimum", "abs": "absolute"},
)


def activation_function(activation: Activation) -> Any:
    """Return a Triton function of z and of where parameters are, which returns value and slope.

    None for SoLU, which kernels write out.

    Raises:
        ValueError: where the activation does not say how it is written, or it is no expression.
    """
    if is_solu(activation):
        return None
    expressions = expressions_of(activation)
    if expressions is None:
        name = getattr(activation, "__name__", type(activation).__name__)
        raise ValueError(f"{name} has no `expressions`")
    return _function(*expressions.written(TRITON), len(expressions.parameters))


@cache  # what is compiled of a function is kept with it
def _function(value: str, slope: str, parameters: int) -> Any:
    lines = [
        "@jit",
        "def activate(z, parameter):",
        *(f"    parameter{k} = tl.load(parameter + {k})" for k in range(parameters)),
        f"    y = {value}",
        f"    return y, {slope}",
    ]
    text = "\n".join(lines) + "\n"
    # Triton reads a function's source where Python's tracebacks do.
    name = f"<activation {hashlib.sha256(text.encode()).hexdigest()[:12]}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    known = {**vars(functions), "__name__": __name__}
    exec(compile(text, name, "exec"), known)  # arithmetic only: see `sup.model.expressions`
    return known["activate"]
