"""An activation and its slope as two expressions, from which a kernel can be compiled.

An expression is arithmetic that Python and C++ write alike: ``+ - * /``, comparisons, numbers,
``z`` (in the slope also ``y``, the value), the functions below, and the names of the activation's
parameters. It is parsed and put together anew, so it can be nothing else.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import isfinite
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "exp": (1, torch.exp),
    "log": (1, torch.log),
    "sqrt": (1, torch.sqrt),
    "abs": (1, torch.abs),
    "tanh": (1, torch.tanh),
    "sigmoid": (1, torch.sigmoid),
    "erf": (1, torch.erf),
    "normal_cdf": (1, torch.special.ndtr),
    "gauss": (1, lambda z: torch.exp(-z * z / 2)),
    "max": (2, torch.maximum),
    "min": (2, torch.minimum),
    "where": (3, torch.where),
}
"""What an expression may call, each with the number of its arguments; ``gauss(z)`` is
``exp(-z^2 / 2)`` and ``where(z > 0, a, b)`` is a where z > 0, else b."""

OPERATORS: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.BitAnd: ("&", operator.and_),
    ast.BitOr: ("|", operator.or_),
}


CONJUNCTIONS = (ast.BitAnd, ast.BitOr)
CONDITIONS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE, *CONJUNCTIONS)
"""Operators whose result is true or false, which in C++ is no number."""


@dataclass(frozen=True)
class Language:
    """How the language of a kernel writes what expressions are made of.

    Args:
        number: of a number.
        parameter: of a parameter, with ``{}`` in the place of its number.
        names: of functions that are called otherwise there.
    """

    number: Callable[[float], str]
    parameter: str
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Expressions:
    """The two expressions of an activation, and its parameters.

    Args:
        value: f in terms of z.
        slope: f' in terms of z and y = f(z).
        parameters: the numbers that they name, or tensors with one for each instance.
    """

    value: str
    slope: str
    parameters: Mapping[str, Any]

    def numbers(self, instances: int) -> Tensor:
        """Return the parameters that are named, as `numbers_of` does."""
        return numbers_of(self.parameters, instances)

    def __call__(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return value and slope at z, by torch.

        Raises:
            ValueError: where an expression is none.
        """
        known = {
            name: torch.as_tensor(held, dtype=z.dtype, device=z.device)
            for name, held in self.parameters.items()
        }
        y = torch.as_tensor(_evaluated(_parsed(self.value), {**known, "z": z}, z)).expand(z.shape)
        slope = _evaluated(_parsed(self.slope), {**known, "z": z, "y": y}, z)
        return y, torch.as_tensor(slope).expand(z.shape)

    def written(self, language: Language) -> tuple[str, str]:
        """Return both in the language of a kernel: value, slope.

        Raises:
            ValueError: where an expression is none.
        """
        places = {name: language.parameter.format(k) for k, name in enumerate(self.parameters)}
        value = _written(_parsed(self.value), {**places, "z": "z"}, language)
        return value, _written(_parsed(self.slope), {**places, "z": "z", "y": "y"}, language)


def numbers_of(
    parameters: Mapping[str, Any], instances: int
) -> Float[Tensor, "instance parameter"]:
    """Return parameters that are numbers, or have one for each instance, in float64.

    Raises:
        ValueError: where one is neither.
    """
    columns = []
    for name, held in parameters.items():
        values = torch.as_tensor(held, dtype=torch.float64).cpu()
        if values.numel() != 1 and tuple(values.shape) != (instances, 1, 1):
            shape = list(values.shape)
            raise ValueError(f"{name} {shape} is neither a number nor [instance, 1, 1]")
        columns.append(values.reshape(-1).expand(instances))
    return torch.stack(columns, -1) if columns else torch.zeros(instances, 0).double()


def expressions_of(activation: Any) -> Expressions | None:
    """Return the expressions that an activation brings as `expressions`; None where it does not.

    Raises:
        ValueError: where they are none, or name what the activation does not have.
    """
    pair = getattr(activation, "expressions", None)
    if pair is None:
        return None
    value, slope = pair
    nodes = [node for text in pair for node in ast.walk(_parsed(text))]
    named = {node.id for node in nodes if isinstance(node, ast.Name)} - {"z", "y", *FUNCTIONS}
    if missing := sorted(name for name in named if not hasattr(activation, name)):
        raise ValueError(f"expressions name {missing[0]!r}, which the activation does not have")
    return Expressions(value, slope, {name: getattr(activation, name) for name in sorted(named)})


@cache  # a sweep asks for those of each of its jobs
def _parsed(text: str) -> ast.AST:
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no expression") from error
    _check(node, is_condition=False)
    return node


def _check(node: ast.AST, is_condition: bool) -> None:
    """Check that conditions stand where they must, and numbers elsewhere.

    torch takes one for the other; a compiler would not, and then torch would train.

    Raises:
        ValueError: for the first that does not.
    """
    parts, call = _parts(node), _call(node)
    if is_condition != (parts is not None and parts[0] in CONDITIONS):
        wanted = "a condition" if is_condition else "a number"
        raise ValueError(f"{ast.unparse(node)!r} in an expression: must be {wanted} there")
    if parts:
        kind, *sides = parts
        for side in sides:
            _check(side, kind in CONJUNCTIONS)
    elif call:
        name, arguments = call
        for place, argument in enumerate(arguments):
            _check(argument, name == "where" and place == 0)
    elif isinstance(node, ast.UnaryOp):
        _check(node.operand, is_condition=False)


def _parts(node: ast.AST) -> tuple[type, ast.AST, ast.AST] | None:
    """Return operator and sides of an operation on two; None of anything else."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return type(node.op), node.left, node.right
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPERATORS:
        return type(node.ops[0]), node.left, node.comparators[0]
    return None


def _call(node: ast.AST) -> tuple[str, list[ast.expr]] | None:
    """Return name and arguments of a call of a known function; None of anything else."""
    if not isinstance(node, ast.Call) or node.keywords or not isinstance(node.func, ast.Name):
        return None
    name = node.func.id
    is_known = name in FUNCTIONS and len(node.args) == FUNCTIONS[name][0]
    return (name, node.args) if is_known else None


def _number(node: ast.AST) -> float | None:
    value: Any = node.value if isinstance(node, ast.Constant) else None
    return float(value) if type(value) in (int, float) and isfinite(value) else None


def _refused(node: ast.AST) -> ValueError:
    allowed = f"z, y, parameters, numbers, + - * /, comparisons, {', '.join(FUNCTIONS)}"
    return ValueError(f"{ast.unparse(node)!r} may not be in an expression; allowed: {allowed}")


def _evaluated(node: ast.AST, names: Mapping[str, Tensor], like: Tensor) -> Any:
    if (number := _number(node)) is not None:
        return torch.as_tensor(number, dtype=like.dtype)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluated(node.operand, names, like)
    if parts := _parts(node):
        kind, left, right = parts
        return OPERATORS[kind][1](_evaluated(left, names, like), _evaluated(right, names, like))
    if call := _call(node):
        name, arguments = call
        return FUNCTIONS[name][1](*(_evaluated(one, names, like) for one in arguments))
    raise _refused(node)


def _written(node: ast.AST, names: Mapping[str, str], language: Language) -> str:
    def inner(part: ast.AST) -> str:
        return _written(part, names, language)

    if (number := _number(node)) is not None:
        return language.number(number)
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"(-{inner(node.operand)})"
    if parts := _parts(node):
        kind, left, right = parts
        return f"({inner(left)} {OPERATORS[kind][0]} {inner(right)})"
    if call := _call(node):
        name, arguments = call
        return f"{language.names.get(name, name)}({', '.join(map(inner, arguments))})"
    raise _refused(node)
