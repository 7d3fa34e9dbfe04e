"""Interrupted and continued is uninterrupted, bit for bit."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sup
from sup.config.identity import training_key
from sup.config.rules import SettingError
from sup.sweep.check import check
from sup.sweep.plan import grouped
from sup.sweep.resume import is_finished
from sup.training import checkpoints
from sup.training.fit import fit
from sup.training.outcome import Outcome, joined
from sup.training.stack import Stack


class Interruption(BaseException):
    """Stands for a power cut: nothing catches it."""


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch):
    """Train runs, but stop them dead after the checkpoint at half-time."""

    def trained(runs):
        from sup.callbacks.checkpoint import StackCheckpoint
        from sup.sweep.train import train

        after_chunk = StackCheckpoint.after_chunk

        def stopping(self, trainer, module):
            after_chunk(self, trainer, module)
            if module.step >= module.measured[-1] // 2:
                raise Interruption

        with monkeypatch.context() as patched:
            patched.setattr(StackCheckpoint, "after_chunk", stopping)
            with pytest.raises(Interruption):
                train(runs)
        assert not (runs[0].directory / "results.nc").exists()
        return checkpoint_of(runs)

    return trained


def checkpoint_of(runs) -> Path:
    """Return where runs that are one stack have their checkpoint."""
    (together,) = grouped(runs)
    checkpoint = Stack.of(together).checkpoint
    assert checkpoint is not None
    return checkpoint


ALWAYS = "callbacks.checkpoint.minutes=0"
SETTINGS = {
    "relu": ["activation=relu", "sparsity=0.9"],
    "gelu": ["activation=gelu", "sparsity=[0,0.5]", "seed=[1,2]"],
    "solu": ["activation=solu", "sparsity=0.5", "seed=2"],
}


def identical(one, other) -> bool:
    names = ("W", "b", "loss", "training_loss")
    return all(np.array_equal(one[name].values, other[name].values) for name in names)


@pytest.mark.parametrize(
    "recipe",
    [[], ["optimizer=sgd", "scheduler=warmup"]],
    ids=["usual", "sgd and warm-up"],
)
def test_resumed_is_uninterrupted(recipe, make_run, train_runs, interrupted):
    def runs(*more):
        return [make_run(*one, *recipe, "steps=300", *more) for one in SETTINGS.values()]

    whole = train_runs(*runs())
    shutil.rmtree(checkpoint_of(runs()).parent)  # or it would be gone on from
    checkpoint = interrupted(runs(ALWAYS))
    resumed = train_runs(*runs(f"resume={checkpoint}"))
    for one, other in zip(whole, resumed, strict=True):
        assert identical(one, other)


@pytest.mark.parametrize("place", ["the run's directory", "the sweep's directory"])
def test_one_run_of_a_stack_is_resumed_alone(place, make_run, train_runs, interrupted):
    runs = [make_run(*one, "steps=300", ALWAYS) for one in SETTINGS.values()]
    interrupted(runs)
    path = runs[1].directory if place == "the run's directory" else runs[1].directory.parent
    (whole,) = train_runs(make_run(*SETTINGS["gelu"], "steps=300"))
    (resumed,) = train_runs(make_run(*SETTINGS["gelu"], "steps=300", f"resume={path}"))
    assert resumed["W"].values == pytest.approx(whole["W"].values, abs=1e-5)
    assert resumed["training_loss"].values == pytest.approx(whole["training_loss"].values, rel=1e-3)


def test_a_finished_run_is_resumed_to_the_same_results(make_run, train_runs):
    run = make_run("steps=50")
    (whole,) = train_runs(run)
    (again,) = train_runs(make_run("steps=50", f"resume={run.directory}"))
    assert identical(whole, again)


def test_checkpoints_hold_weights_only(make_run, train_runs):
    run = make_run("steps=10", "seed=[0,1]")
    train_runs(run)
    (path,) = run.directory.glob("checkpoints/*.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint["state_dict"]["autoencoder.W"].shape == (2, 5, 10)
    assert checkpoint["stack"]["step"] == 10


class TestRefusals:
    """A path that cannot be continued from."""

    @pytest.fixture
    def finished(self, make_run, train_runs):
        run = make_run("steps=10", "sparsity=0.5")
        train_runs(run)
        return run.directory

    @pytest.mark.parametrize(
        ("overrides", "message"),
        [
            (["n_hidden=4", "sparsity=0.5"], "it was trained with n_hidden=5, not n_hidden=4"),
            (["sparsity=0.9"], "it was trained with sparsity=0.5, not sparsity=0.9"),
            (
                ["sparsity=0.5", "activation=gelu"],
                "activations.ReLU, not activation._target_=sup.model.activations.GELU",
            ),
            (["sparsity=0.5", "optimizer.lr=0.1"], "optimizer.lr=0.01, not optimizer.lr=0.1"),
        ],
    )
    def test_another_model(self, overrides, message, finished, make_run):
        run = make_run("steps=10", f"resume={finished}", *overrides)
        with pytest.raises(SettingError) as raised:
            check([run], placed=False)
        assert message in str(raised.value)
        assert str(raised.value).startswith(f"resume={finished}: ")

    def test_another_generators_words(self, finished, make_run, monkeypatch, caplog):
        run = make_run("steps=10", "sparsity=0.5", f"resume={finished}")
        monkeypatch.setattr("sup.config.identity.WORDS", "another")
        with pytest.raises(SettingError, match="trained with words=philox4x32-10, not words=anot"):
            check([run], placed=False)
        stack = Stack.of([run])
        folders = [finished / "checkpoints"]
        assert checkpoints.latest(folders, training_key(run.settings), stack.keys) is None
        assert "is not gone on from: it was trained with words=philox4x32-10" in caplog.text

    def test_what_does_not_decide_the_result_may_differ(self, finished, make_run):
        more = ("logger=csv", "~callbacks.metrics", "name=again", "trainer=cpu")
        run = make_run("steps=10", "sparsity=0.5", f"resume={finished}", *more)
        check([run], placed=False)

    def test_no_checkpoint(self, tmp_path, make_run):
        (tmp_path / "file.ckpt").write_text("not a checkpoint")
        (tmp_path / "empty").mkdir()
        for path, message in [
            ("nowhere", "no such file or directory"),
            (tmp_path / "file.ckpt", "is no checkpoint of this project"),
            (tmp_path / "empty", "holds no checkpoint"),
        ]:
            with pytest.raises(SettingError, match=message):
                check([make_run(f"resume={path}")], placed=False)


class Planted:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.fixture(scope="module")
def held(tmp_path_factory) -> dict[str, Any]:
    """Return the contents of a checkpoint of one model."""
    directory = tmp_path_factory.mktemp("held")
    small = {"n_features": 5, "n_hidden": 2, "steps": 20, "batch_size": 64, "figures": "none"}
    sup.train(**small, directory=directory)
    (path,) = directory.glob("checkpoints/*.ckpt")
    return torch.load(path, weights_only=True)


def changed(held: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    outer, _, inner = key.partition("/")
    return {**held, outer: {**held[outer], inner: value} if inner else value}


WRONG = {
    "stack": None,
    "stack/instances": ["{}", 3],
    "stack/shared": "no settings",
    "stack/step": "many",
    "state_dict": {},
    "state_dict/autoencoder.W": torch.zeros(7, 2, 5),
    "state_dict/autoencoder.b": torch.zeros(1, 9),
    "state_dict/diverged_at": "never",
    "optimizer_states": [],
    "lr_schedulers": [],
}


@pytest.mark.parametrize("key", WRONG)
def test_a_checkpoint_of_other_contents_is_none(key, held, tmp_path):
    path = tmp_path / "wrong.ckpt"
    torch.save(changed(held, key, WRONG[key]), path)
    with pytest.raises(SettingError, match="is no checkpoint of this project"):
        checkpoints.contents(path)


@pytest.mark.parametrize("way", ["zip", "legacy", "bare pickle"])
def test_nothing_in_a_checkpoint_is_run(way, held, tmp_path, make_run, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # which torch obeys
    path, trace = tmp_path / "evil.ckpt", tmp_path / "trace"
    evil = {**held, "callbacks": Planted(trace)}
    if way == "bare pickle":
        path.write_bytes(pickle.dumps(Planted(trace), protocol=2))
    else:
        torch.save(evil, path, _use_new_zipfile_serialization=way == "zip")
    with pytest.raises(SettingError, match="is no checkpoint of this project"):
        checkpoints.contents(path)
    run = make_run("n_features=5", "n_hidden=2", "steps=20", "batch_size=64")
    with pytest.raises((SettingError, pickle.UnpicklingError)):
        fit(Stack.of([run]), [], path)
    slices = run.directory / "slices"
    slices.mkdir()
    path.rename(slices / "0.pt")
    with pytest.raises(SettingError, match="cannot be read; remove it"):
        is_finished(run)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer_states", [{"state": {0: {}}, "param_groups": 3}]),
        ("lr_schedulers", "none"),
        ("loops", {"fit_loop": 3}),
        ("state_dict/snapshots", torch.zeros(1, 1)),
    ],
)
def test_what_cannot_be_gone_on_from_is_named(key, value, held, tmp_path, make_run):
    path = tmp_path / "broken.ckpt"
    run = make_run("n_features=5", "n_hidden=2", "steps=20", "batch_size=64")
    torch.save(changed(held, key, value), path)
    with pytest.raises(SettingError, match=r"broken\.ckpt: cannot be gone on from: .*; remove it"):
        fit(Stack.of([run]), [], path)


@pytest.mark.parametrize(
    "field", ["W", "loss", "squared_error", "snapshots", "seconds", "nonsense"]
)
def test_a_slice_of_other_contents_is_none(field, tmp_path):
    one, more = torch.zeros(2), torch.zeros(2, 1)
    W, snapshots = torch.zeros(2, 1, 1), torch.zeros(2, 0, 1, 1)
    outcome = Outcome(W, more, W[:, :0], one, one, more, more, snapshots, one.long(), 1.0, "cpu", 2)
    path = tmp_path / "0.pt"
    outcome.save(path, "{}", ["{}", "{}"])
    assert Outcome.load(path).instances_in_stack == 2
    kept = torch.load(path, weights_only=True)
    other = {"seconds": "many", "squared_error": one}.get(field, more)
    torch.save(changed(kept, f"outcome/{field}", other), path)
    with pytest.raises(SettingError, match="cannot be read; remove it"):
        Outcome.load(path)


def test_a_slice_of_an_earlier_version_does_not_know_what_is_explained(tmp_path):
    one, more = torch.zeros(2), torch.ones(2, 1)
    W, snapshots = torch.zeros(2, 1, 1), torch.zeros(2, 0, 1, 1)
    outcome = Outcome(W, more, W[:, :0], one, one, more, more, snapshots, one.long(), 1.0, "cpu", 2)
    path = tmp_path / "0.pt"
    outcome.save(path, "{}", ["{}", "{}"])
    kept = torch.load(path, weights_only=True)
    del kept["outcome"]["squared_error"]
    torch.save(kept, path)
    earlier = Outcome.load(path)
    assert earlier.squared_error.shape == (2, 1)
    assert earlier.squared_error.isnan().all()
    assert joined([earlier, outcome]).squared_error.isnan().sum() == 2
