"""The search for the best settings: Optuna's trials, batch by batch as stacks."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

import sup
from sup.analysis.metrics import PER_INSTANCE
from sup.cli import errors
from sup.cli.jobs import objective
from sup.config.run import Run
from sup.config.settings import Settings, all_settings
from sup.sweep.failures import RunError

SEARCH = ("experiment=search", "steps=20", "seed=0", "logger=none", "hydra.sweep.dir=search")
BATCHES = ("hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=2")


def contents(folder: Path) -> dict[Path, float]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


class TestObjective:
    def test_is_the_mean_over_a_runs_instances(self):
        results = xr.Dataset({"loss": ("seed", [1.0, 3.0])})
        assert objective(Run(Settings()), results) == 2

    def test_is_what_the_settings_name(self):
        results = xr.Dataset({"loss": 1.0, "mean_interference": 3.0})
        assert objective(Run(Settings(objective="mean_interference")), results) == 3

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_is_none_where_training_diverged(self, bad):
        results = xr.Dataset({"loss": ("seed", [1.0, bad])})
        assert objective(Run(Settings()), results) is None

    def test_is_the_failure_of_a_run_that_has_failed(self):
        with pytest.raises(RunError, match="a run: why"):
            objective(Run(Settings()), RunError("a run", "why"))

    def test_may_be_any_number_of_an_instance(self):
        allowed = all_settings()["objective"].rule.allowed
        assert allowed == f"one of {', '.join(['loss', *PER_INSTANCE])}"
        for name in PER_INSTANCE:
            assert Settings(objective=name).objective == name


@pytest.mark.skipif(
    find_spec("hydra_plugins.hydra_optuna_sweeper") is None, reason="needs the extra `optuna`"
)
@pytest.mark.filterwarnings("ignore:Deprecated API features detected")  # optuna's of SQLAlchemy
@pytest.mark.usefixtures("no_figures")
class TestSearch:
    def test_each_batch_is_a_stack_and_the_best_trial_is_found(self, command, tmp_path):
        outcome = command(*SEARCH, *BATCHES)
        assert outcome.status == 0, outcome.error
        trials = [sup.load_run(tmp_path / "search" / str(number)) for number in range(4)]
        assert [trial.attrs["instances_in_stack"] for trial in trials] == [2, 2, 2, 2]
        best = min(trials, key=lambda trial: trial["loss"].item())
        written = (tmp_path / "search" / "optimization_results.yaml").read_text()
        found = yaml.safe_load(written)
        assert found["best_value"] == pytest.approx(best["loss"].item())
        assert found["best_params"]["optimizer.lr"] == pytest.approx(best["optimizer_lr"].item())
        assert f"Best value: {found['best_value']}" in outcome.out

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                (*SEARCH, "hydra/launcher=basic", "sparsity=2"),
                "error: hydra/launcher=basic: trains the jobs of hydra/sweeper=checked only; "
                "use hydra/launcher=stacked",
            ),
            (
                ("hydra/sweeper=optuna", "steps=20"),
                "error: hydra/sweeper=optuna: searches with -m only; add it",
            ),
        ],
    )
    def test_nothing_is_trained_unchecked(self, arguments, message, command, tmp_path):
        outcome = command(*arguments)
        assert outcome.status == 1
        assert outcome.error.splitlines() == [message]
        assert not list(tmp_path.iterdir())

    def test_a_named_measure_is_maximised(self, command, tmp_path):
        chosen = ("objective=mean_interference", "hydra.sweeper.direction=maximize")
        assert command(*SEARCH, *BATCHES, *chosen).status == 0
        measured = [
            sup.load_run(tmp_path / "search" / str(number))["mean_interference"].item()
            for number in range(4)
        ]
        written = (tmp_path / "search" / "optimization_results.yaml").read_text()
        assert yaml.safe_load(written)["best_value"] == pytest.approx(max(measured))

    def test_a_trial_that_diverges_does_not_end_the_search(self, command, tmp_path):
        outcome = command(*SEARCH, *BATCHES, "optimizer.lr=choice(0.01,1e30)")
        assert outcome.status == 0, outcome.error
        losses = [sup.load_run(tmp_path / "search" / str(k))["loss"].item() for k in range(4)]
        assert np.isnan(losses).any()
        written = (tmp_path / "search" / "optimization_results.yaml").read_text()
        assert yaml.safe_load(written)["best_params"]["optimizer.lr"] == 0.01

    def test_a_search_without_any_result_ends_with_one_line(self, command):
        outcome = command(*SEARCH, *BATCHES[1:], "hydra.sweeper.n_trials=2", "optimizer.lr=1e30")
        assert outcome.status == 1
        assert "error: No trials are completed yet." in outcome.error

    def test_repeated_it_skips_what_is_finished_and_refuses_what_differs(self, command, tmp_path):
        assert command(*SEARCH, *BATCHES).status == 0
        again = command(*SEARCH, *BATCHES)
        assert again.status == 0, again.error
        assert again.out.count("2 of 2 runs finished before") == 2
        before = contents(tmp_path)
        refused = command(*SEARCH, *BATCHES, "steps=30")
        assert refused.status == 1
        assert refused.error.startswith("error: directory=search/0: holds results: ")
        assert len(refused.error.strip().splitlines()) == 1
        assert contents(tmp_path) == before

    def test_one_that_is_kept_goes_on_with_further_jobs(self, command, tmp_path):
        kept = ("hydra.sweeper.storage=sqlite:///kept.db", "hydra.sweeper.study_name=mine")
        for seed in (0, 1):
            chosen = (*kept, f"hydra.sweeper.sampler.seed={seed}", "hydra.sweeper.n_trials=2")
            outcome = command(*SEARCH, *chosen)
            assert outcome.status == 0, outcome.error
        trials = [sup.load_run(tmp_path / "search" / str(number)) for number in range(4)]
        assert len({trial["optimizer_lr"].item() for trial in trials}) == 4
        found = yaml.safe_load((tmp_path / "search" / "optimization_results.yaml").read_text())
        best = min(trial["loss"].item() for trial in trials)
        assert found["best_value"] == pytest.approx(best)

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("optimizer.lr=-1", "optimizer.lr=-1: must be a number above 0, or a list of them"),
            ("objective=los", "objective=los: must be one of loss, dimensions_per_feature"),
            ("activation=choice(relu,gelo)", "activation=gelo: no such option"),
            ("hydra.sweeper.n_trials=0", "n_trials=0: must be a whole number of at least 1"),
            ("hydra.sweeper.n_jobs=0", "n_jobs=0: must be a whole number of at least 1"),
            ("hydra.sweeper.max_failure_rate=2", "max_failure_rate=2.0: must be a number in [0,"),
            ("hydra.sweeper.direction=maximise", "direction=maximise: must be minimize or maxim"),
            ("hydra.sweeper.direction=[minimize]", "direction=[minimize]: must be minimize or"),
            ("hydra.sweeper.storage=sqlite:////no/s.db", "storage=sqlite:////no/s.db: cannot be"),
            ("hydra.sweeper.storage=search.db", "hydra.sweeper.storage=search.db: cannot be"),
            ("resume=true", "resume=true: a search is not resumed; hydra.sweeper.storage and"),
        ],
    )
    def test_a_bad_setting_ends_with_one_line(self, override, message, command, tmp_path):
        outcome = command(*SEARCH, override)
        assert outcome.status == 1
        assert message in outcome.error
        assert len(outcome.error.strip().splitlines()) == 1
        assert list(tmp_path.iterdir()) == []


def test_without_the_extra_one_line_names_it():
    error = Exception(
        "In 'config': Could not find 'hydra/sweeper/optuna'\n\nAvailable options in "
        "'hydra/sweeper':\n\tbasic\n\tchecked"
    )
    assert errors.one_line(error) == (
        "error: hydra/sweeper=optuna: needs an extra: pip install -c constraints.txt -e '.[optuna]'"
    )
