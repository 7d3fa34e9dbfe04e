"""Toy models of superposition, for every activation function.

    import sup

    data = sup.train(activation=["relu", "gelu"], sparsity=[0, 0.9], seed=range(5))
    data["loss"].mean("seed")             # an xarray.Dataset, axes by name
    sup.figures.gram_gallery(data)        # a matplotlib figure
    model = sup.load_model(data.isel(seed=0))  # a torch module, x [..., feature] to x'

The packages, in the order in which they may import each other:

- ``system``: what the operating system is asked for
- ``config``: settings, and the grid of instances that they span
- ``model``: the mathematics of one step
- ``training``: one stack of models
- ``analysis``: pure functions of weights and results
- ``results``: what a run leaves behind
- ``figures``: from results to matplotlib
- ``explore``: from results to a page with controls
- ``dashboard``: from the names that are logged to a dashboard in W&B
- ``callbacks``: what happens during training
- ``launch``: where stacks are trained
- ``sweep``: from runs to stacks to results
- ``article``: the paper, its experiments and its claims
- ``report``: from results to a page
- ``cli``: Hydra's edge

The order of dimensions, everywhere but in `load_model`: ``[instance, hidden, feature, batch]``,
whichever of them a tensor has. An *instance* is one toy model among the many that one tensor holds;
the batch stands innermost so that every elementwise pass over ``[instance, feature, batch]`` is
contiguous.
"""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if sys.platform == "win32":
    # The links in the checkout, the limits and the signals that are used are those of Unix.
    raise SystemExit("error: Windows is not supported; WSL, the Linux inside Windows, is")

# GPUs have the numbers that nvidia-smi gives them, here and in every process that is started from
# here. Lightning sets this too, but when CUDA has started: only later processes would count so.
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")

if TYPE_CHECKING:
    from sup import figures
    from sup.analysis import diagrams, metrics, phases, published, theory
    from sup.api import train
    from sup.config.part import Part
    from sup.config.rules import SettingError
    from sup.config.settings import Settings
    from sup.results.exchange import load_weights, save_weights
    from sup.results.joining import join, load_sweep
    from sup.results.loading import ToyModels, load_model
    from sup.results.storage import load_run
    from sup.results.tables import to_dataframe
    from sup.sweep.failures import RunError

DISTRIBUTION = "superposition"
"""What is installed, whose version `__version__` is."""

_HOMES = {
    "Part": "sup.config.part",
    "RunError": "sup.sweep.failures",
    "SettingError": "sup.config.rules",
    "Settings": "sup.config.settings",
    "ToyModels": "sup.results.loading",
    "diagrams": "sup.analysis.diagrams",
    "figures": "sup.figures",
    "join": "sup.results.joining",
    "load_model": "sup.results.loading",
    "load_run": "sup.results.storage",
    "load_sweep": "sup.results.joining",
    "load_weights": "sup.results.exchange",
    "metrics": "sup.analysis.metrics",
    "phases": "sup.analysis.phases",
    "published": "sup.analysis.published",
    "save_weights": "sup.results.exchange",
    "theory": "sup.analysis.theory",
    "to_dataframe": "sup.results.tables",
    "train": "sup.api",
}

__all__ = [
    "Part",
    "RunError",
    "SettingError",
    "Settings",
    "ToyModels",
    "diagrams",
    "figures",
    "join",
    "load_model",
    "load_run",
    "load_sweep",
    "load_weights",
    "metrics",
    "phases",
    "published",
    "save_weights",
    "theory",
    "to_dataframe",
    "train",
]


def _version() -> str:
    # A third of the time in which a shell's completion is answered, if it were imported above.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # a checkout that is not installed
        return "unknown"


def __getattr__(name: str) -> Any:
    # torch and xarray take seconds to import; help, completion and config errors must not wait.
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'sup' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    return home if _HOMES[name].rpartition(".")[2] == name else getattr(home, name)
