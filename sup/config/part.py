"""A part of a run that is made by calling something: an activation, an optimizer, a callback."""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import Any

from sup.config.rules import SettingError

RESERVED = ("_target_", "_partial_", "_lists_", "_convert_", "_recursive_")
"""Keys of a part's config that are no parameters."""


@dataclass(frozen=True)
class Part:
    """What is called for a part of a run, and with what.

    Args:
        target: a function, a class or an object, or the path to one, such as ``torch.nn.Softplus``.
        parameters: what it is called with, by name. In an activation, an importance or an
            initialisation, a list of numbers is an axis: it spans a grid of instances.
        lists: names of the parameters whose list is one value and no axis; None: it is not said.
        name: what the part is called in results; by default its target's name in lower case.
    """

    target: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)
    lists: tuple[str, ...] | None = None
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", as_plain(dict(self.parameters)))
        if not self.name:
            object.__setattr__(self, "name", self.own_name)

    @property
    def own_name(self) -> str:
        """The target's name, in lower case."""
        if isinstance(self.target, str):
            return self.target.rpartition(".")[-1].lower()
        named = self.target if hasattr(self.target, "__name__") else type(self.target)
        return named.__name__.lower()

    @property
    def is_named(self) -> bool:
        """Whether it has a name of its own, beside its target's."""
        return self.name != self.own_name

    @classmethod
    def of(cls, node: Mapping[str, Any], name: str = "", key: str = "") -> "Part":
        """Make a part of a config node with a ``_target_``.

        Raises:
            SettingError: where that is no path.
        """
        if not isinstance(node["_target_"], str):
            allowed = "must be a path, such as torch.nn.Softplus"
            raise SettingError(f"{key}._target_", node["_target_"], allowed)
        lists = node.get("_lists_")
        return cls(
            node["_target_"],
            {key: value for key, value in node.items() if key not in RESERVED},
            None if lists is None else tuple(lists),
            name,
        )

    @cached_property
    def path(self) -> str:
        """The path to the target; of an object that stands at none, what tells it from others."""
        return self.target if isinstance(self.target, str) else path_of(self.target)

    def node(self) -> dict[str, Any]:
        """Return the config node that stands for this part."""
        lists = {} if self.lists is None else {"_lists_": list(self.lists)}
        return {"_target_": self.path, **lists, **self.parameters}

    def changed(self, **parameters: Any) -> "Part":
        """Return this part with some parameters changed or added."""
        return replace(self, parameters={**self.parameters, **parameters})

    def locate(self) -> Any:
        """Return the target itself."""
        return locate(self.target) if isinstance(self.target, str) else self.target

    def make(self, *args: Any, **given: Any) -> Any:
        """Call the target with the parameters, and with what is `given` besides."""
        return self.locate()(*args, **build(self.parameters), **given)


def path_of(target: Any) -> str:
    """Return the path at which an object stands, or ``object:`` and what tells it from others.

    A lambda, a function within a function or a module with values of its own stands at none: two
    of them may share a name, but must never be taken for each other.
    """
    name = getattr(target, "__qualname__", "")
    for path in (f"{getattr(target, '__module__', '')}.{name}", f"torch.{name.split('.')[-1]}"):
        try:
            if name and locate(path) is target:
                return path
        except (ImportError, AttributeError, ValueError):
            continue
    code = getattr(target, "__code__", None)
    if code is None:
        told = (repr(target), sorted(map(str, getattr(target, "__dict__", {}).items())))
    else:
        cells = [str(cell.cell_contents) for cell in target.__closure__ or ()]
        told = (code.co_code.hex(), code.co_consts, code.co_names, cells, target.__defaults__)
    digest = hashlib.sha1(str(told).encode()).hexdigest()[:12]
    return f"object:{name or type(target).__qualname__}:{digest}"


def as_plain(value: Any) -> Any:
    """Return a value with arrays, ranges and tuples as lists of Python's own numbers, copied."""
    if isinstance(value, Mapping):
        return {key: as_plain(inner) for key, inner in value.items()}
    if isinstance(value, (range, tuple, list)):
        return [as_plain(inner) for inner in value]
    is_array = hasattr(value, "tolist") and hasattr(value, "dtype") and not hasattr(value, "grad")
    return value.tolist() if is_array else value


def locate(path: str) -> Any:
    """Return what stands at a dotted path.

    Raises:
        ImportError, AttributeError: where there is nothing.
    """
    # Not pkgutil.resolve_name, which drops what is wrong within a module of a package.
    module, *names = path.split(".")
    found: Any = import_module(module)
    for name in names:
        module = f"{module}.{name}"
        is_within = hasattr(found, "__path__") and not hasattr(found, name)
        found = import_module(module) if is_within else getattr(found, name)
    return found


def build(value: Any) -> Any:
    """Return a config value with each node in it that has a ``_target_`` made, or partly applied.

    Nodes come from this command's own settings alone; what lies in a directory is never made.
    """
    if isinstance(value, Mapping):
        if "_target_" not in value:
            return {key: build(one) for key, one in value.items()}
        part = Part.of(value)
        if value.get("_partial_"):
            return functools.partial(part.locate(), **build(part.parameters))
        return part.make()
    return [build(one) for one in value] if isinstance(value, list) else value


def nodes(value: Any, key: str) -> Iterator[tuple[str, Part]]:
    """Yield the parts within a config value, with their keys."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, Mapping) and "_target_" in inner:
                yield f"{key}.{name}", Part.of(inner)
            yield from nodes(inner, f"{key}.{name}")


def check_located(key: str, target: Any) -> Callable:
    """Return the target of a part.

    Raises:
        SettingError: where it cannot be found or imported.
    """
    if not isinstance(target, str):
        return target
    try:
        return locate(target)
    except Exception as error:  # whatever a user's module raises when it is imported
        reason = " ".join(str(error).splitlines()[:2])
        raise SettingError(f"{key}._target_", target, f"cannot be loaded: {reason}") from error
