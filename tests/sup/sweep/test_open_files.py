"""A sweep has more runs than a process may have open files, at first."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import sup
from sup.system import open_files

ROOT = Path(__file__).parents[3]

ALLOWED = """
import resource
from sup.system.open_files import allow_many
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
allow_many()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_as_many_are_allowed_as_may_be():
    done = subprocess.run(
        [sys.executable, "-c", ALLOWED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert int(done.stdout) == min(hard, open_files.ENOUGH)


@pytest.mark.usefixtures("no_figures")
def test_no_more_runs_have_their_logs_open_than_can_be(command, monkeypatch, tmp_path):
    monkeypatch.setattr("sup.sweep.plan.most_runs", lambda: 2)
    sweep = ("-m", "activation=relu,gelu,tanh", "steps=20", "logger=csv", "~callbacks.progress")
    outcome = command(*sweep, "hydra.sweep.dir=sweep")
    assert outcome.status == 0
    line = "3 runs, 3 instances: no more than 2 runs can have their logs open (ulimit -Hn); "
    assert line + "trained in 2 stacks" in outcome.out
    assert sup.load_sweep(tmp_path / "sweep").sizes["activation"] == 3


def held_files() -> list[int]:
    """Return how many files this process, and each that it has started, have open."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [len(os.listdir(f"/proc/{process}/fd")) for process in ("self", *children)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
def test_the_logs_of_a_run_hold_no_more_files_than_is_counted_on(make_run):
    from sup.training.loggers import open_loggers

    runs = [make_run("logger=wandb") for _ in range(20)]
    with open_loggers(runs[:1]) as first:
        first[runs[0]].log_metrics({"loss": 1.0}, 0)
        before = held_files()
        with open_loggers(runs[1:]) as loggers:
            for run in runs[1:]:
                loggers[run].log_metrics({"loss": 1.0}, 0)
            held = held_files()
    assert len(held) == len(before)
    more = [(many - few) / 19 for many, few in zip(held, before, strict=True)]
    print(f"open files per run: {more}")
    assert 1 <= max(more) <= open_files.HELD_PER_RUN
