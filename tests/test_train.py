"""Whole commands, as a user types them."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import yaml

import sup
from sup.config.options import OPTIONS
from sup.config.settings import all_settings
from sup.sweep.check import check_settings
from sup.sweep.draw import NAMES

ROOT = Path(__file__).parent.parent

INSPECT = """
import sys
from wandb.cli.cli import cli
for folder in sys.argv[1:]:
    try:
        cli(["leet", "inspect", "--json", folder])
    except SystemExit as end:
        assert not end.code
    print(flush=True)
"""


def inspect(*runs: Path) -> list[list[dict]]:
    """Read back the offline W&B run in each of some directories, by W&B's own command."""
    folders = [str(folder) for run in runs for folder in run.glob("wandb/offline-run-*")]
    assert len(folders) == len(runs)
    command = [sys.executable, "-c", INSPECT, *folders]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [[json.loads(line) for line in one.splitlines()] for one in said.split("\n\n")[:-1]]


@dataclass
class Sweep:
    """The main job, with fewer steps: twelve Hydra jobs, one stack, twelve W&B runs."""

    directory: Path
    out: str
    error: str

    activations = ("relu", "gelu", "solu")
    sparsities = (0, 0.5, 0.9, 0.99)

    def jobs(self) -> list[tuple[Path, str, float]]:
        settings = [(a, s) for a in self.activations for s in self.sparsities]
        return [(self.directory / str(k), *one) for k, one in enumerate(settings)]


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Run the sweep in a process of its own, once for all tests."""
    folder = tmp_path_factory.mktemp("sweep")
    swept = "activation=relu,gelu,solu sparsity=0,0.5,0.9,0.99 steps=50 tags=[pilot]"
    environment = {name: value for name, value in os.environ.items() if "WANDB" not in name}
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "-m", *swept.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"NETRC": "/nonexistent"},
    )
    assert done.returncode == 0, done.stderr
    (directory,) = folder.glob("outputs/*/*")
    return Sweep(directory, done.stdout, done.stderr)


class TestSweep:
    """What the main job leaves behind."""

    def test_results_of_each_job(self, sweep: Sweep):
        for directory, activation, sparsity in sweep.jobs():
            results = sup.load_run(directory)
            assert results["activation"].item() == activation
            assert results["sparsity"].item() == sparsity
            assert results.attrs["instances_in_stack"] == 12
            overrides = yaml.safe_load((directory / ".hydra" / "overrides.yaml").read_text())
            assert f"activation={activation}" in overrides

    def test_results_joined(self, sweep: Sweep):
        joined = sup.load_sweep(sweep.directory)
        assert joined["W"].dims == ("activation", "sparsity", "hidden", "feature")
        assert joined["activation"].values.tolist() == list(sweep.activations)
        assert joined["sparsity"].values.tolist() == list(sweep.sparsities)
        one = sup.load_run(sweep.directory / "6")
        same = joined.sel(activation="gelu", sparsity=0.9)
        assert np.array_equal(same["W"].values, one["W"].values)

    def test_figures_of_each_job_and_of_all(self, sweep: Sweep):
        for directory, *_ in sweep.jobs():
            found = {path.stem for path in (directory / "figures").iterdir()}
            assert found == set(NAMES)
        assert (sweep.directory / "figures" / "gallery.png").is_file()

    def test_offline_wandb_runs(self, sweep: Sweep):
        groups = set()
        read = inspect(*(directory for directory, *_ in sweep.jobs()))
        for (directory, activation, sparsity), records in zip(sweep.jobs(), read, strict=True):
            text = json.dumps(records)
            (run,) = [record["run"] for record in records if record.get("type") == "run"]
            overrides = f"activation={activation} sparsity={sparsity} steps=50 tags=[pilot]"
            assert run["display_name"] == overrides
            assert run["project"] == "superposition"
            groups.add(run["run_group"])
            for metric in ("dimensions_per_feature", "training_loss", "loss"):
                assert metric in text
            defined = [record["metric"] for record in records if record.get("type") == "metric"]
            assert defined[-1]["glob_name"] == "*"
            assert defined[-1]["step_metric"] == defined[0]["name"] == "trainer/global_step"
            assert run["job_type"] == "train"
            config = run["config"]["update"]
            assert config["sparsity"] == sparsity
            assert config["activation"] == activation
            pictures = list(directory.glob("wandb/offline-run-*/files/media/images/**/*.png"))
            assert len(pictures) == len([1, 2, 5, 10, 20, 50])
        assert groups == {"/".join(sweep.directory.parts[-2:])}

    def test_the_sweeps_own_wandb_run(self, sweep: Sweep):
        (folder,) = sweep.directory.glob("wandb/offline-run-*")
        (table,) = folder.glob("files/media/table/instances_*.table.json")
        held = json.loads(table.read_text())
        assert held["columns"][:2] == ["activation", "sparsity"]
        loss = held["columns"].index("loss")
        assert [(row[0], row[1]) for row in held["data"]] == [
            (activation, sparsity) for _, activation, sparsity in sweep.jobs()
        ]
        (one,) = (row for row in held["data"] if row[:2] == ["gelu", 0.9])
        assert one[loss] == pytest.approx(sup.load_run(sweep.directory / "6")["loss"].item())
        assert len(list(folder.glob("files/media/images/gallery_*.png"))) == 1
        (records,) = inspect(sweep.directory)
        (run,) = (record["run"] for record in records if record.get("type") == "run")
        assert run["display_name"] == run["job_type"] == "sweep"
        assert run["run_group"] == "/".join(sweep.directory.parts[-2:])

    def test_what_the_user_reads(self, sweep: Sweep):
        assert "12 runs, 12 instances" in sweep.out
        for _, activation, sparsity in sweep.jobs():
            assert f"activation={activation} sparsity={sparsity} " in sweep.out
        assert "sum D_i" in sweep.out
        assert f"sup.load_sweep('{sweep.directory.relative_to(sweep.directory.parents[2])}')" in (
            sweep.out
        )
        assert "wandb leet" in sweep.out
        assert "wandb sync" in sweep.out
        assert sweep.error == ""


QUIET = ("logger=none", "steps=50", "figures=none")


def test_hydras_own_launcher_gives_the_same(sweep: Sweep, command, tmp_path):
    swept = ("activation=relu,solu", "sparsity=[0,0.9]", "steps=50", "logger=none", "figures=none")
    outcome = command("-m", *swept, "hydra/launcher=basic", "hydra.sweep.dir=basic")
    assert outcome.status == 0, outcome.error
    basic = sup.load_sweep(tmp_path / "basic")
    stacked = sup.load_sweep(sweep.directory)
    same = stacked.sel(activation=basic["activation"], sparsity=basic["sparsity"])
    assert np.abs(same["W"].values - basic["W"].values).max() < 1e-5


def test_jobs_that_differ_in_shape_form_several_stacks(command, tmp_path):
    outcome = command("-m", "n_hidden=2,5", "sparsity=0,0.9", *QUIET)
    assert outcome.status == 0
    assert "4 runs, 4 instances, 2 stacks" in outcome.out
    (directory,) = tmp_path.glob("outputs/*/*")
    sweep = sup.load_sweep(directory)
    assert sweep["W"].dims == ("n_hidden", "sparsity", "hidden", "feature")


def test_a_grid_in_one_run(command, tmp_path):
    outcome = command("sparsity=[0,0.5,0.9]", "seed=[0,1,2]", *QUIET)
    assert outcome.status == 0
    assert "1 run, 9 instances" in outcome.out
    (directory,) = tmp_path.glob("outputs/*/*")
    results = sup.load_run(directory)
    assert dict(results["loss"].sizes) == {"sparsity": 3, "seed": 3}


def test_a_run_is_resumed_by_its_directory(command, tmp_path):
    settings = ("sparsity=0.5", *QUIET)
    assert command(*settings, "hydra.run.dir=first").status == 0
    assert command(*settings, "hydra.run.dir=second", "resume=first").status == 0
    first, second = (sup.load_run(tmp_path / name) for name in ("first", "second"))
    assert np.array_equal(first["W"].values, second["W"].values)


def test_more_hidden_dimensions_than_features_is_allowed_with_a_warning(command):
    outcome = command("n_hidden=12", *QUIET)
    assert outcome.status == 0
    assert "warning: n_hidden=12 exceeds n_features=10" in outcome.out + outcome.error


BAD = {
    "activation=rellu": "activation=rellu: no such option; "
    "did you mean relu? allowed: abs, celu, elu, gelu, groups, hard_sigmoid, jump_relu, "
    "leaky_relu, linear, relu, relu6, sigmoid, silu, softplus, solu, solu_norm, squared_relu, "
    "swish, tanh, unit_tanh",
    "sparsty=0.5": "sparsty=0.5: no such setting here; did you mean sparsity?",
    "importance.decy=1": "importance.decy=1: no such setting here; did you mean importance.decay?",
    "sparsity=1.5": "sparsity=1.5: must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=0,0.5": "has several values; write 'sparsity=[0,0.5]'",
    "resume=nowhere": "resume=nowhere: no such file or directory",
    "activation._target_=no_such.Thing": "activation._target_=no_such.Thing: cannot be loaded",
    "activation=[relu,gelu]": "activation=[relu,gelu]: takes one option; "
    "for a sweep: -m activation=relu,gelu",
    "activation=null": "activation=null: takes one option: linear, relu",
    "importance.ratio=2": "no such setting here; the chosen importance has none",
    "logger=wandbb": "logger=wandbb: no such option; did you mean wandb? "
    "allowed: csv, mlflow, none, tensorboard, wandb",
    "+stack.gpus=1": "stack.gpus=1: no such setting",
}
"""What ends a command, each in its own way."""


@pytest.mark.parametrize("override", BAD)
def test_bad_input_ends_with_one_line_and_nothing_written(override, command, tmp_path):
    outcome = command(override)
    assert outcome.status == 1
    assert outcome.error.startswith("error: ")
    assert BAD[override] in outcome.error
    assert len(outcome.error.strip().splitlines()) == 1
    assert outcome.out == ""
    assert list(tmp_path.iterdir()) == []


NOT_ALLOWED = {
    "n_hidden=0": "n_hidden=0: must be a whole number in [1, 10^6]",
    "resume=3": "resume=3: must be a path",
    "trainer.devices=2": "trainer.devices=2: more than 1 needs trainer=ddp",
    "trainer.devices=auto": "trainer.devices=auto: must be a whole number of at least 1",
    "~trainer.devices": "trainer.devices=None: must be a whole number of at least 1",
    "callbacks.checkpoint.minutes=-1": "callbacks.checkpoint.minutes=-1: must be a number of at",
    "callbacks.progress=3": "callbacks.progress=3: must have a _target_, or be null",
    "~importance.decay": "missing a required argument: 'decay'",
    "activation._target_=torch.nn.PReLU": "has trainable weights",
    "data=quadrature": "data=quadrature: needs n_features of at most 3, not 10",
    "engine=fast": "engine=fast: must be one of auto, native, triton, compiled, eager, autograd",
    "stack=null": "stack=None: must be settings by name: max_instances, max_memory, devices",
}


@pytest.mark.parametrize("override", NOT_ALLOWED)
def test_a_setting_that_is_not_allowed_is_named_with_what_is(override, settings):
    with pytest.raises(sup.SettingError) as raised:
        check_settings(settings(override))
    assert NOT_ALLOWED[override] in str(raised.value)


@pytest.mark.parametrize("launcher", ["stacked", "basic"])
@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("sparsity=0,0.5,2", "sparsity=2: must be a number in [0, 1 - 2^-24], or a list of them"),
        ("activation=relu,gelo", "activation=gelo: no such option"),
        ("seed=0,1 hydra.sweep.subdir=same", "gives two jobs one directory"),
        ("seed=0,1 resume=nowhere", "resume=nowhere: no such file or directory"),
    ],
)
def test_a_bad_job_of_a_sweep_is_found_before_any_is_trained(
    sweep, message, launcher, command, tmp_path
):
    outcome = command("-m", *sweep.split(), f"hydra/launcher={launcher}", *QUIET)
    assert outcome.status == 1
    assert message in outcome.error
    assert len(outcome.error.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_under_hydras_own_sweeper_too_all_jobs_are_checked_first(command, tmp_path):
    chosen = ("hydra/sweeper=basic", "hydra.sweep.dir=here")
    outcome = command("-m", "sparsity=0,0.5,2", *chosen, *QUIET)
    assert outcome.status == 1
    assert "sparsity=2: must be a number in [0, 1 - 2^-24], or a list of them" in outcome.error
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["multirun.yaml"]
    assert command("-m", "sparsity=0,0.5", *chosen, *QUIET).status == 0
    assert sup.load_sweep(tmp_path / "here")["W"].dims == ("sparsity", "hidden", "feature")


def test_of_similar_jobs_each_that_differs_in_its_parts_is_checked(command, tmp_path):
    outcome = command(
        "-m", "seed=0,1", "activation._target_=sup.model.activations.ReLU,no.Such", *QUIET
    )
    assert outcome.status == 1
    assert "activation._target_=no.Such: cannot be loaded" in outcome.error
    assert list(tmp_path.iterdir()) == []


def test_help_and_config_errors_do_not_wait_for_torch():
    """Neither torch nor Lightning, seconds of start-up each, may be imported for them."""
    script = (
        "import sys, runpy; sys.argv = ['train.py', *sys.argv[1:]]\n"
        "try: runpy.run_path('train.py', run_name='__main__')\n"
        "except SystemExit as end: print(end.code)\n"
        "assert not {'torch', 'lightning', 'xarray', 'matplotlib'} & set(sys.modules)"
    )
    for argument, expected in [("--help", "n_features"), ("sparsity=3", "error: sparsity=3")]:
        done = subprocess.run(
            [sys.executable, "-c", script, argument],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_the_version_is_ours(command):
    assert command("--version").out.startswith(f"superposition {version('superposition')}, ")


def test_help_names_every_setting_and_every_option(command):
    outcome = command("--help", "all")
    assert outcome.status == 0
    for key in all_settings():
        assert re.search(rf"^ +{re.escape(key)}[=:]", outcome.out, re.M), key
    for options in OPTIONS.values():
        for name, option in options.items():
            assert re.search(rf"^ +{name} +{re.escape(option.meaning)}$", outcome.out, re.M), name
