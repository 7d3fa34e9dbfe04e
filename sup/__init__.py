"""Toy models of superposition, for every activation function.

The order of dimensions, everywhere: ``[instance, hidden, feature, batch]``, whichever of them a
tensor has. An *instance* is one toy model among the many that one tensor holds; the batch stands
innermost so that every elementwise pass over ``[instance, feature, batch]`` is contiguous.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sup.results.storage import load_run, load_sweep

__all__ = ["load_run", "load_sweep"]


def __getattr__(name: str) -> Any:
    # xarray takes a second to import; help, completion and config errors must not wait for it.
    if name in __all__:
        from sup.results import storage as results

        return getattr(results, name)
    raise AttributeError(f"module 'sup' has no attribute {name!r}")
