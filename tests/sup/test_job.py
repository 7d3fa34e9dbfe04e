"""Jobs are described just as Hydra's own `run_job` would."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, run_job
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from sup.cli.job import describe_job
from sup.config.run import Run

CONF = Path(__file__).parents[2] / "conf"
SEEN: list = []


class Recorder:
    """A Hydra callback that keeps what it is told."""

    def on_job_start(self, config: DictConfig, task_function: Any) -> None:
        SEEN.append(("start", Path(config.hydra.runtime.output_dir).name))

    def on_job_end(self, config: DictConfig, job_return: JobReturn) -> None:
        SEEN.append(("end", job_return.status, OmegaConf.to_yaml(job_return.cfg)))


def told(folder: Path, *overrides: str) -> tuple[HydraContext, DictConfig]:
    """Return what Hydra gives to a launcher, and the config of a job that writes to `folder`."""
    recorder = "+hydra.callbacks.recorder._target_=tests.sup.test_job.Recorder"
    with initialize_config_dir(str(CONF), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        own = [f"hydra.sweep.dir={folder}", recorder.replace("tests.sup.test_job", __name__)]
        loader = hydra.config_loader
        config = loader.load_configuration("config", [*own, *overrides], RunMode.MULTIRUN)
    with open_dict(config):
        config.hydra.job.num = config.hydra.job.id = 4
        config.hydra.mode = RunMode.MULTIRUN
    return HydraContext(config_loader=loader, callbacks=Callbacks(config)), config


def hydras_own(context: HydraContext, config: DictConfig, describe: Any) -> JobReturn:
    return run_job(
        hydra_context=context,
        task_function=describe,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )


def left(folder: Path) -> dict[str, Any]:
    """Return the contents of all files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): yaml.safe_load(path.read_text())
        if path.suffix == ".yaml"
        else None
        for path in files
    }


def described(way: Any, folder: Path, *overrides: str) -> tuple:
    SEEN.clear()
    job = way(*told(folder, *overrides), Run.of_job)
    told_to_callbacks = [*SEEN]
    run = job.return_value
    return (
        (job.overrides, job.status, job.working_dir, job.task_name),
        (run.settings, run.directory, run.name, run.group, run.number, run.choices),
        told_to_callbacks,
        left(folder),
    )


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("activation=solu", "sparsity=[0,0.5]", 'name="1e3"', 'tags=["on","a: b","é","1_0"]'),
        ("experiment=phase_diagram", "hydra.sweep.subdir=${seed}/${hydra:job.num}"),
        (
            "name=${hydra:job.num}",
            "+hydra.job.env_set.WANDB_TAGS=x",
            "tags=[${oc.env:WANDB_TAGS}]",
        ),
        ("hydra.output_subdir=null",),
        ("hydra.output_subdir=other", f"name='{'many words ' * 30}'"),
    ],
)
def test_as_run_job_does(overrides, tmp_path):
    folder = tmp_path / "sweep"
    ours = described(describe_job, folder, *overrides)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert ours == described(hydras_own, folder, *overrides)
    assert HydraConfig.instance().cfg is None


def test_the_files_read_as_the_configs(tmp_path):
    context, config = told(tmp_path, "activation=gelu", 'name="1e3"')
    describe_job(context, config, Run.of_job)
    kept: Any = OmegaConf.load(tmp_path / "4" / ".hydra" / "config.yaml")
    assert kept["name"] == "1e3"
    assert kept["scheduler"]._get_node("T_max")._value() == "${steps}"


def test_an_error_is_raised_where_the_result_is_asked_for(tmp_path, capfd):
    def fails(config: DictConfig) -> None:
        raise RuntimeError("so it goes")

    job = describe_job(*told(tmp_path), fails)
    with pytest.raises(RuntimeError, match="so it goes"):
        _ = job.return_value
    assert "Error executing job with overrides" in capfd.readouterr().err
