"""Stacks as jobs of an engine: the same results, wherever they are trained."""

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fake_slurm
import numpy as np
import pytest
import stand_ins
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

import sup
from sup.cli import store
from sup.cli.hooks import described
from sup.config.rules import SettingError
from sup.launch.placement import Lost
from sup.launch.ray import Ray
from sup.launch.submitit import PreemptibleUnit, Slurm
from sup.sweep.check import check
from sup.system.signals import stoppable

ROOT = Path(__file__).parents[3]
SWEEP = ("-m", "activation=relu,gelu", "steps=200", "logger=none")


def has(package: str) -> pytest.MarkDecorator:
    """Skip a test where an engine is not installed."""
    missing = find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"needs the extra `{package}`")


@pytest.fixture
def placed(tmp_path) -> Any:
    """Compose a job's config, Hydra's own node included, with a launcher."""

    def composed(name: str, *overrides: str) -> DictConfig:
        chosen = [f"hydra/launcher={name}", f"hydra.sweep.dir={tmp_path / 'sweep'}", *overrides]
        store.register()
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            return compose("config", chosen, return_hydra_config=True)

    return composed


@pytest.fixture
def launcher(placed) -> Any:
    """Give the settings that a launcher's config hands to its placement."""

    def settings(name: str, *overrides: str) -> dict[str, Any]:
        held: Any = OmegaConf.to_container(placed(name, *overrides).hydra.launcher, resolve=True)
        return {key: held[key] for key in held if key not in ("_target_", "_convert_", "placement")}

    return settings


def largest_difference(one: Path, other: Path) -> float:
    a, b = sup.load_sweep(one), sup.load_sweep(other)
    return max(float(abs(a[name] - b[name]).max()) for name in ("W", "b", "loss", "training_W"))


@pytest.fixture
def here(command, tmp_path, no_figures) -> Path:
    """Train a sweep in this process, and return where."""
    assert command(*SWEEP, "hydra.sweep.dir=here").status == 0
    return tmp_path / "here"


@pytest.fixture
def stacks(tmp_path, monkeypatch) -> list[Any]:
    """Describe three stacks, and let jobs find `stand_ins`."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return [SimpleNamespace(home=tmp_path, number=number) for number in range(3)]


def soon(holds: Callable[[], Any]) -> bool:
    """Tell whether something comes true, however busy this machine is."""
    until = time.monotonic() + 600
    while not holds() and time.monotonic() < until:
        time.sleep(0.1)
    return bool(holds())


def done(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("done-*"))


@has("ray")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_ray_gives_the_same_and_says_why_a_stack_failed(here, command, tmp_path, stacks, launcher):
    import ray  # pyright: ignore[reportMissingImports]

    try:
        outcome = command(*SWEEP, "hydra/launcher=ray", "hydra.sweep.dir=there")
        assert outcome.status == 0, outcome.error
        assert "1 stack handed to Ray at " in outcome.out
        assert largest_difference(here, tmp_path / "there") < 1e-5
        remote = "hydra.launcher.ray.remote.max_retries=0"
        endings = Ray(**launcher("ray", remote))(stacks, stand_ins.fail)
    finally:
        ray.shutdown()
    assert endings[:2] == [None, Lost("ValueError: no such luck")]
    assert "WorkerCrashedError" in str(endings[2])
    assert done(tmp_path) == ["done-0"]


@has("ray")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_ray_interrupted_ends_its_tasks_and_the_command_as_shells_expect(
    stacks, launcher, tmp_path, caplog
):
    import ray  # pyright: ignore[reportMissingImports]

    def interrupt():
        soon(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        os.kill(os.getpid(), signal.SIGTERM)

    engine = Ray(**launcher("ray"))
    caplog.set_level(logging.INFO, "sup")
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with stoppable(), pytest.raises(SystemExit) as raised:
            engine(stacks[:1], stand_ins.sleep)
    finally:
        thread.join()
        ray.shutdown()
    assert raised.value.code == 143
    assert "interrupted; Ray's tasks are ended" in caplog.text
    task = Path("/proc", (tmp_path / "pid").read_text())
    assert soon(lambda: not task.exists())


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """Put commands in the path that write down what SLURM would be asked for; give where."""
    folder = tmp_path / "slurm"
    sbatch = f"#!/bin/bash\ncp $1 {folder}/script\necho Submitted batch job 123\n"
    commands = {"sbatch": sbatch, "scontrol": fake_slurm.SCONTROL, "srun": fake_slurm.SRUN}
    fake_slurm.put_into_path(folder, commands, monkeypatch)
    return folder


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Path:
    """Put commands in the path that do as SLURM does, on this machine; give where they are."""
    folder = tmp_path / "slurm"
    fake_slurm.put_into_path(folder, fake_slurm.COMMANDS, monkeypatch)
    return folder


STOPPING = """
import os, pathlib, signal
from lightning.pytorch import Callback

class Stopping(Callback):
    def __init__(self, marker):
        self.marker = pathlib.Path(marker)

    def on_train_batch_end(self, trainer, module, *_):
        if module.step >= 100 and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGUSR2)
"""


@has("submitit")
class TestCluster:
    """Jobs that run, on a SLURM of one machine."""

    def test_it_gives_the_same_even_if_the_stack_is_preempted(
        self, here, cluster, command, tmp_path, monkeypatch
    ):
        """The callback, found beside the command, makes submitit queue the stack again."""
        (tmp_path / "stopping.py").write_text(STOPPING)
        monkeypatch.syspath_prepend(str(tmp_path))
        outcome = command(
            *SWEEP,
            "hydra/launcher=submitit_slurm",
            "hydra.sweep.dir=there",
            "callbacks.checkpoint.minutes=0",
            "+callbacks.stop._target_=stopping.Stopping",
            "+callbacks.stop.marker=stopped",
        )
        assert outcome.status == 0, outcome.error
        assert "1 stack handed to SLURM; output: there/.submitit/*_log.out" in outcome.out
        assert (cluster / "asked").read_text() == f"requeue {fake_slurm.number_of_last(cluster)}\n"
        (log,) = (tmp_path / "there" / ".submitit").glob("*_log.out")
        (checkpoint,) = (tmp_path / "there" / "checkpoints").glob("*.ckpt")
        said = log.read_text()
        assert said.count("going on from") == 1
        assert f"going on from {checkpoint.relative_to(tmp_path)}" in said
        assert "failed" not in said
        assert largest_difference(here, tmp_path / "there") < 1e-5
        assert [path.name for path in (here / "checkpoints").iterdir()] == [checkpoint.name]

    def test_each_job_has_an_ending(self, cluster, stacks, launcher, tmp_path, caplog, monkeypatch):
        monkeypatch.chdir(tmp_path)
        # How long submitit looks for the result of a job that left none.
        monkeypatch.setattr("submitit.core.core.Job._results_timeout_s", 1)
        caplog.set_level(logging.INFO, "sup")
        first, second, third = Slurm(**launcher("submitit_slurm"))(stacks, stand_ins.fail)
        assert first is None
        assert isinstance(second, Lost)
        assert isinstance(third, Lost)
        output = f"output: sweep/.submitit/{fake_slurm.number_of_last(cluster)}"
        assert second.reason == f"ValueError: no such luck; {output}_1_0_log.out"
        assert third.reason == f"was killed, or ended without a result; {output}_2_0_log.out"
        assert (tmp_path / "done-0").read_text() == str(tmp_path)
        assert "3 stacks handed to SLURM" in caplog.text

    def test_interrupted_it_leaves_its_jobs_at_work(
        self, cluster, stacks, launcher, tmp_path, caplog
    ):
        def interrupt():
            if soon(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
                os.kill(os.getpid(), signal.SIGINT)

        caplog.set_level(logging.INFO, "sup")
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            Slurm(**launcher("submitit_slurm"))(stacks[:1], stand_ins.sleep)
        thread.join()
        job = int((tmp_path / "pid").read_text())
        os.kill(job, signal.SIGKILL)  # it is there
        assert f"to end them: scancel {fake_slurm.number_of_last(cluster)}" in caplog.text


@has("submitit")
class TestSlurm:
    def submit(self, settings: dict[str, Any], stacks: list[Any], work: Any) -> None:
        units = [PreemptibleUnit(work, stack, os.getcwd()) for stack in stacks]
        Slurm(**settings).submit(units)

    def test_batch_script(self, slurm, stacks, launcher, tmp_path):
        chosen = (
            "partition=gpu",
            "gpus_per_node=1",
            "cpus_per_task=8",
            "mem_gb=32",
            "timeout_min=90",
            "account=lab",
            "array_parallelism=2",
            "setup=[module load cuda]",
        )
        overrides = [f"hydra.launcher.{one}" for one in chosen]
        settings = launcher("submitit_slurm", *overrides)
        self.submit(settings, stacks, stand_ins.note)
        lines = (slurm / "script").read_text().splitlines()
        for line in (
            "--partition=gpu",
            "--gpus-per-node=1",
            "--cpus-per-task=8",
            "--mem=32GB",
            "--time=90",
            "--account=lab",
            "--nodes=1",
            "--job-name=superposition",
            "--array=0-2%2",
            "--signal=USR2@120",
            "--requeue",
            "--open-mode=append",
            f"--output={tmp_path}/sweep/.submitit/%A_%a_0_log.out",
        ):
            assert f"#SBATCH {line}" in lines
        assert "module load cuda" in lines
        assert any(line.startswith("srun ") and "submitit.core._submit" in line for line in lines)

    def test_a_job_that_must_not_be_queued_again(self, slurm, stacks, launcher):
        options = "hydra.launcher.additional_parameters"
        settings = launcher("submitit_slurm", f"{options}.requeue=false", f"+{options}.nice=null")
        self.submit(settings, stacks, stand_ins.note)
        lines = (slurm / "script").read_text().splitlines()
        assert [line for line in lines if "requeue" in line] == ["#SBATCH --no-requeue"]
        assert not any("nice" in line for line in lines)

    @pytest.mark.parametrize("stacks_per_sweep", [1, 2])
    def test_what_sbatch_refuses_is_one_line(self, stacks_per_sweep, slurm, command):
        refusal = "sbatch: error: invalid partition specified: nope"
        (slurm / "sbatch").write_text(f"#!/bin/bash\necho {refusal!r} >&2; echo Bad >&2; exit 1\n")
        most = f"stack.max_instances={2 // stacks_per_sweep}"
        # Nor is a GPU missed that only the cluster has.
        outcome = command(*SWEEP, "hydra/launcher=submitit_slurm", "trainer=gpu", most)
        assert outcome.status == 1
        line = f"error: hydra/launcher=submitit_slurm: {refusal} Bad"
        assert outcome.error.strip().splitlines() == [line]

    def test_a_preempted_job_is_queued_again_and_then_goes_on(
        self, slurm, stacks, launcher, tmp_path
    ):
        self.submit(launcher("submitit_slurm"), stacks, stand_ins.be_preempted_once)

        def job() -> int:
            numbers = {"JOB_ID": "124", "ARRAY_JOB_ID": "123", "ARRAY_TASK_ID": "1"}
            slurms = {f"SLURM_{name}": value for name, value in numbers.items()}
            return subprocess.run(
                ["bash", str(slurm / "script")],
                cwd="/",
                env={**os.environ, **slurms},
                capture_output=True,
                check=False,
            ).returncode

        assert job() != 0
        assert (slurm / "asked").read_text() == "requeue 123_1\n"
        assert done(tmp_path) == []
        assert job() == 0
        assert done(tmp_path) == ["done-1"]

    def test_without_slurm_one_line_says_so(self, launcher, monkeypatch):
        monkeypatch.setenv("PATH", "/nonexistent")
        with pytest.raises(SettingError, match="submitit_slurm: finds no SLURM"):
            Slurm(**launcher("submitit_slurm"))


def test_a_pre_empted_job_trains_on_until_it_is_told_to_stop(make_run, train_runs, monkeypatch):
    """SLURM's first word is SIGTERM; Lightning would end the training at once, as if done."""
    from lightning.pytorch import Callback

    class Terminated(Callback):
        def on_train_batch_end(self, *_: Any, **__: Any) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    received = []
    monkeypatch.setattr("builtins.TerminatedCallback", Terminated, raising=False)
    before = signal.signal(signal.SIGTERM, lambda *_: received.append(1))
    try:
        run = make_run("steps=300", "+callbacks.stop._target_=builtins.TerminatedCallback")
        (results,) = train_runs(run)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received
    assert np.isfinite(results["loss"].item())


LAUNCHERS = {"submitit_slurm": Slurm, "ray": Ray}


@pytest.mark.parametrize("name", LAUNCHERS)
def test_our_configs_win_over_those_of_hydras_own_plugins(name, placed):
    ConfigStore.instance().store(
        group="hydra/launcher", name=name, node={"_target_": "a.plugin"}, provider="plugin"
    )
    config = placed(name)
    assert config.hydra.launcher._target_.endswith("StackedLauncher")
    kind = LAUNCHERS[name]
    assert config.hydra.launcher.placement._target_ == f"{kind.__module__}.{kind.__name__}"


@pytest.mark.parametrize("name", LAUNCHERS)
def test_an_engine_that_is_missing_is_named_with_its_extra(name, launcher, monkeypatch):
    monkeypatch.setattr("sup.launch.placement.find_spec", lambda package: None)
    extra = name.partition("_")[0]
    with pytest.raises(SettingError, match=rf"needs {extra}, an extra: .*'.\[{extra}\]'"):
        LAUNCHERS[name](**launcher(name))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("timeout_min=soon", "timeout_min=soon: must be a whole number of at least 1"),
        ("cpus_per_task=0", "cpus_per_task=0: must be a whole number of at least 1"),
        ("gpus_per_node=-1", "gpus_per_node=-1: must be a whole number of at least 0"),
        ("nodes=2", "nodes=2: must be 1; a stack is trained on one node"),
        ("mem_gb=0", "mem_gb=0: must be a number above 0"),
        ("+partion=gpu", "hydra.launcher.partion=gpu: no such parameter of submitit; there are "),
        ("setup=module load cuda", "setup=module load cuda: must be a list of shell commands"),
        ("stderr_to_stdout=1", "stderr_to_stdout=1: must be true or false"),
    ],
)
@has("submitit")
def test_a_bad_setting_is_named(setting, message, launcher):
    override = re.sub(r"^(\+?)", r"\1hydra.launcher.", setting)
    with pytest.raises(SettingError) as raised:
        Slurm(**launcher("submitit_slurm", override))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("mem_gb=0", "error: hydra.launcher.mem_gb=0: must be a number above 0"),
        ("partion=gpu", "error: hydra.launcher.partion=gpu: no such setting here"),
    ],
)
@has("submitit")
def test_a_bad_setting_ends_with_one_line_and_nothing_written(setting, message, command, tmp_path):
    outcome = command(*SWEEP, "hydra/launcher=submitit_slurm", f"hydra.launcher.{setting}")
    assert outcome.status == 1
    assert message in outcome.error
    assert len(outcome.error.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_single_run_is_not_trained_here_by_mistake(command, tmp_path):
    outcome = command("hydra/launcher=submitit_slurm", "logger=none")
    assert outcome.status == 1
    assert "hydra/launcher=submitit_slurm: takes sweeps; add -m" in outcome.error
    assert list(tmp_path.iterdir()) == []


def test_gpus_are_looked_for_where_the_stack_is_trained(placed):
    run = described(placed("submitit_slurm", "trainer=gpu"))
    with pytest.raises(SettingError, match="no GPU here"):
        check([run], placed=False)
    check([run], placed=True)


@pytest.mark.parametrize("name", LAUNCHERS)
def test_stacks_are_not_side_by_side_in_two_ways(name, placed):
    message = f"stack.devices=2: trains stacks side by side here; hydra/launcher={name} does so"
    with pytest.raises(SettingError, match=message):
        described(placed(name, "stack.devices=2"))


OTHER = """
import sys
import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

store = ConfigStore.instance().store
for name in ("submitit_slurm", "submitit_local", "ray"):
    node = {"_target_": f"another.{name}"}
    store(group="hydra/launcher", name=name, node=node, provider="another plugin")
store(group="hydra/sweeper", name="another", node={"_target_": "another.sweeper"})
store(name="mine", node={"seed": 0})

@hydra.main(version_base="1.3", config_path=None, config_name="mine")
def main(config):
    from hydra.core.hydra_config import HydraConfig

    hydras, loader = HydraConfig.get(), GlobalHydra.instance().config_loader()
    for group in ("hydra/launcher", "hydra/sweeper"):
        print(*loader.get_group_options(group))
    print(*loader.list_groups(""), *loader.get_group_options(""))
    print(hydras.launcher._target_, hydras.sweeper._target_)
    assert "hydra_plugins.superposition" in sys.modules
    assert not {"torch", "lightning", "xarray"} & set(sys.modules)
    assert not OmegaConf.has_resolver("ratios")

main()
"""


def test_another_hydra_program_is_left_as_it_is(tmp_path):
    (tmp_path / "other.py").write_text(OTHER)

    def said(*overrides: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "other.py", "hydra.run.dir=out", *overrides],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        return done.stdout.splitlines()

    launchers, sweepers, others, chosen = said()
    assert {"basic", "ray", "submitit_local", "submitit_slurm"} <= set(launchers.split())
    assert {"another", "basic"} <= set(sweepers.split())
    assert "stacked" not in launchers
    assert "checked" not in sweepers
    assert set(others.split()) == {"hydra", "mine", "_dummy_empty_config_"}
    basic = "hydra._internal.core_plugins.basic"
    assert chosen == f"{basic}_launcher.BasicLauncher {basic}_sweeper.BasicSweeper"
