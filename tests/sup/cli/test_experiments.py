"""The experiments, as configs."""

from importlib.util import find_spec
from pathlib import Path

import pytest

import sup
from sup.config.rules import SettingError
from sup.config.run import Run
from sup.sweep.check import check

pytestmark = pytest.mark.usefixtures("no_figures")

ROOT = Path(__file__).parents[3]

NEEDS_OPTUNA = pytest.mark.skipif(
    find_spec("hydra_plugins.hydra_optuna_sweeper") is None, reason="needs the extra `optuna`"
)
EXPERIMENTS = [
    pytest.param(path.stem, marks=[NEEDS_OPTUNA] * (path.stem == "search"))
    for path in sorted((ROOT / "conf" / "experiment").glob("*.yaml"))
]

SMALL = ("n_features=6", "n_hidden=2", "activation=relu", "sparsity=[0.5,0.9]")
FEWER = {
    "absolute_value": ("n_features=6", "n_hidden=3", "sparsity=0.9"),
    "bottleneck": ("activation=relu,solu", "sparsity=[0.5,0.9]"),
    "bottleneck_sizes": ("n_features=8,10", "sparsity=0.9"),
    "dimensions": ("activation=relu", "resolution=2", "n_features=8", "n_hidden=2"),
    "dimensions_converged": SMALL,
    "families": ("family=elu", "n_features=6", "sparsity=0.9"),
    "initialisation": (*SMALL, "init.gain=[0.1,1]"),
    "phase_diagram": ("activation=relu", "resolution=2"),
    "phase_diagram_3": ("activation=relu", "resolution=2"),
    "search": ("hydra.sweeper.n_trials=2", "hydra.sweeper.n_jobs=2"),
}
"""What makes an experiment one of seconds, beside few steps and seeds."""

SIZES = {
    "bottleneck": (10, 5, 10 * 8),
    "phase_diagram": (2, 1, 51 * 51 * 16),
    "phase_diagram_3": (3, 2, 20 * 20 * 8),
    "dimensions": (200, 20, 20 * 3),
    "dimensions_converged": (200, 20, 8),
    "families": (10, 5, 5 * 4),
}

DIAGRAMS = [("phase_diagram", sup.diagrams.PAIR), ("phase_diagram_3", sup.diagrams.TRIPLE)]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_as_they_stand_they_can_be_trained(name, settings, tmp_path):
    check([Run(settings(f"experiment={name}", "logger=none"), tmp_path, name, home=tmp_path)])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_few_steps_leave_results(name, command, tmp_path):
    few = ("steps=2", "seed=[0,1]", "batch_size=8", "logger=none", *FEWER.get(name, ()))
    outcome = command(f"experiment={name}", *few)
    assert outcome.status == 0, outcome.error
    files = [*tmp_path.glob("outputs/**/results.nc")]
    assert files
    for file in files:
        results = sup.load_run(file)
        assert results["loss"].notnull().all()
        assert results["steps"] == 2


@pytest.mark.parametrize("name", SIZES)
def test_they_have_their_sizes(name, settings):
    own = settings(f"experiment={name}")
    assert (own.n_features, own.n_hidden, own.grid.size) == SIZES[name]


def test_an_experiment_is_a_sweep_over_the_seven_activations(command, tmp_path):
    sizes = ("steps=1", "sparsity=[0,0.9]", "seed=0", "logger=none")
    outcome = command("experiment=bottleneck", *sizes)
    assert outcome.status == 0
    assert "7 runs, 14 instances" in outcome.out
    (directory,) = tmp_path.glob("outputs/*/*")
    expected = ["linear", "relu", "gelu", "silu", "sigmoid", "tanh", "solu"]
    assert sup.load_sweep(directory)["activation"].values.tolist() == expected


@pytest.mark.parametrize(("name", "diagram"), DIAGRAMS)
def test_its_activations_and_grid_can_be_chosen(command, tmp_path, name, diagram):
    chosen = ("activation=linear,tanh", "resolution=2", "seed=0,7", "steps=1", "logger=none")
    outcome = command(f"experiment={name}", *chosen)
    assert outcome.status == 0
    (directory,) = tmp_path.glob("outputs/*/*")
    results = sup.load_sweep(directory)
    sizes = dict(results["loss"].sizes)
    assert sizes == {"activation": 2, "seed": 2, "importance_ratio": 2, "sparsity": 2}
    assert sup.diagrams.diagram_of(results) is diagram
    (dropped, alone) = results["optimum_phase"].sel(activation="linear")[0].values
    assert diagram.names[int(dropped[0])] == "extra feature not represented"
    assert diagram.names[int(alone[0])].startswith(("represented alone", "alone"))


def test_a_typing_error_is_found(command, settings, tmp_path):
    assert "allowed: absolute_value, bottleneck, " in command("experiment=bottle").error
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingError, match="resolution=1: must be a whole number of at least 2"):
        settings("experiment=dimensions", "resolution=1")


def test_families_are_trained_along_their_own_parameters_in_two_sizes(settings):
    one = settings("experiment=families", "family=sigmoid", "n_features=2")
    assert (one.activation.name, one.n_hidden) == ("sigmoid", 1)
    assert one.grid.axes["activation.epsilon"][0] == 0
    changed = settings("experiment=families", "family=leaky_relu", "activation.slope=[0,1]")
    assert changed.grid.shape == (2, 5, 4)
