"""Annotations are checked while testing: shapes by jaxtyping where there are any, else types alone.

jaxtyping's import hook gives every function a scope for the names of its dimensions. That takes ten
times as long as beartype's checks themselves, at each call, and most functions name no dimension.
Of those that do, the first calls in each test are checked: a training's later steps repeat them.
"""

import functools
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

jaxtyped = jaxtyping.jaxtyped

types_alone = beartype(conf=BeartypeConf(violation_type=TypeError))
"""An argument of another kind is a TypeError, as jaxtyping's is, and as without any check."""


FIRST = 10
"""Calls of a function in a test whose shapes are checked, of hundreds in a training."""

calls: Counter[object] = Counter()
"""Of each function, in the present test."""


def names_shapes(function: Any) -> bool:
    """Tell whether a function's annotations may name dimensions; those in quotes may."""
    if not inspect.isfunction(function):
        return True
    annotations = function.__annotations__.values()
    return any(isinstance(one, str) or "jaxtyping." in repr(one) for one in annotations)


def at_first(function: Any, checked: Any) -> Any:
    """Return a function that is checked when it is called for the first times in a test."""

    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        if calls[function] >= FIRST:
            return function(*arguments, **options)
        calls[function] += 1
        return checked(*arguments, **options)

    return called


def checked(*, typechecker: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the decorator that the import hook asks for, for functions and classes alike."""

    def decorated(function: Any) -> Any:
        if names_shapes(function):
            always = jaxtyped(function, typechecker=typechecker)
            return at_first(function, always) if inspect.isfunction(function) else always
        return types_alone(function)

    return decorated


def install() -> None:
    """Have jaxtyping's import hook (0.3) decorate by these; before the first import of `sup`."""
    jaxtyping.jaxtyped = checked
