"""The experiments, as configs."""

import pytest

import sup
from sup.config.rules import SettingError

pytestmark = pytest.mark.usefixtures("no_figures")

SIZES = {
    "bottleneck": (10, 5, 10 * 8),
    "phase_diagram": (2, 1, 51 * 51 * 16),
    "phase_diagram_3": (3, 2, 20 * 20 * 8),
    "dimensions": (200, 20, 20 * 3),
    "dimensions_converged": (200, 20, 8),
    "families": (10, 5, 5 * 4),
}

DIAGRAMS = [("phase_diagram", sup.diagrams.PAIR), ("phase_diagram_3", sup.diagrams.TRIPLE)]


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
