"""W&B's own agent: the command that it makes of examples/sweep.yaml logs to the agent's run."""

import os
import queue
from pathlib import Path
from typing import Any

import pytest
import yaml
from offline import told
from wandb import wandb_agent
from wandb.sdk import wandb_setup

SWEEP = yaml.safe_load((Path(__file__).parents[3] / "examples" / "sweep.yaml").read_text())
TINY = {"n_features": 5, "n_hidden": 2, "steps": 10, "batch_size": 64}


@pytest.fixture
def command_of(monkeypatch, tmp_path):
    """Have W&B's agent start a trial; return its command line, in the environment that it has."""
    started: dict[str, Any] = {}

    class Started:
        def __init__(self, **arguments):
            started.update(arguments)

    def made(**values):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(wandb_agent, "AgentProcess", Started)
        monkeypatch.setattr(wandb_setup, "_singleton", None)  # of another environment
        before = dict(os.environ)
        with monkeypatch.context() as ours:
            ours.setenv("WANDB_SWEEP_ID", "sweep001")  # as `wandb agent` does
            agent = wandb_agent.Agent(api=None, queue=queue.Queue(), sweep_id="sweep001")
            agent._sweep_command = SWEEP["command"]
            given = {name: {"value": value} for name, value in values.items()}
            trial = {"run_id": "trial001", "args": given, "program": SWEEP["program"]}
            agent._command_run(trial)
        for name in os.environ.keys() - before.keys():  # set by the agent, in its own process
            del os.environ[name]
        for name, value in started["env"].items():
            if name.startswith("WANDB_"):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("WANDB_MODE", "offline")
        return started["command"]

    return made


def first_values() -> dict[str, Any]:
    """Return the first that each parameter of the sweep may be."""
    return {
        name: one["value"] if "value" in one else [*one.get("values", []), one.get("min")][0]
        for name, one in SWEEP["parameters"].items()
    }


# W&B leaves the file open in which its agent says what the trial is.
@pytest.mark.filterwarnings("ignore:(?s).*config-trial001:pytest.PytestUnraisableExceptionWarning")
def test_a_trial_of_the_example_logs_to_the_agents_run(command_of, command, tmp_path):
    given = first_values() | TINY
    env, interpreter, program, *overrides = command_of(**given)
    assert (env, interpreter, program) == ("/usr/bin/env", "python", "train.py")
    done = command(*overrides, "hydra.run.dir=trial")
    assert done.status == 0, done.error
    (run,) = told(tmp_path / "trial", "run")
    assert (run["run_id"], run["sweep_id"]) == ("trial001", "sweep001")
    config = run["config"]["update"]
    assert {name: config[name] for name in given} == given
    assert not any("_target_" in str(name) for name in config)
    assert all(not isinstance(value, dict) for name, value in config.items() if name != "_wandb")
    logged = told(tmp_path / "trial", "history")
    assert SWEEP["metric"]["name"] in {name for row in logged for name in row["item"]}
    assert not [*tmp_path.glob("wandb/*run-*")]


def test_null_as_the_agent_writes_it_is_null(command_of, settings):
    given = {"name": None, "logger.project": None, "dataset_size": None, "sort": None}
    _, _, _, *overrides = command_of(**given)
    assert "name=None" in overrides
    made = settings("logger=wandb", *overrides)
    assert (made.name, made.dataset_size, made.sort) == (None, None, None)
    assert made.logger.parameters["project"] is None


def test_lists_numbers_and_words_reach_the_settings_as_the_agent_writes_them(command_of, settings):
    given = {"sparsity": [0, 0.9], "tags": ["a", "b c"], "optimizer.lr": 1e-05, "seed": 3}
    _, _, _, *overrides = command_of(activation="gelu", **given)
    made = settings(*overrides)
    assert (made.sparsity, made.seed, made.tags) == ([0, 0.9], 3, ["a", "b c"])
    assert made.optimizer.parameters["lr"] == 1e-05
    assert made.activation.name == "gelu"
