"""MLflow, where the extra is installed: what it is told of runs, and that it never ends one."""

import sys
from importlib.util import find_spec

import pytest

from sup.config.rules import SettingError
from sup.sweep.check import check

TINY = ("n_features=5", "n_hidden=2", "steps=10", "batch_size=64")
needs_mlflow = pytest.mark.skipif(find_spec("mlflow") is None, reason="needs the extra mlflow")
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # MLflow's, of its own store
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_without_the_extra_it_says_how_to_install_it(make_run, monkeypatch):
    import lightning.pytorch.loggers  # noqa: F401  # which looks for MLflow once, before it is gone

    run = make_run("logger=mlflow")
    monkeypatch.delitem(sys.modules, "sup.training.mlflow_logger", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(
        SettingError, match=r"logger.*: it needs an extra: pip install .*\[mlflow\]"
    ):
        check([run])


@pytest.fixture
def store(monkeypatch, tmp_path):
    """Have MLflow keep its runs below tmp_path; return its client."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    from mlflow.tracking import MlflowClient  # pyright: ignore[reportMissingImports]

    return MlflowClient((tmp_path / "mlruns").as_uri())


def runs_of(store, project: str = "superposition") -> list:
    experiment = store.get_experiment_by_name(project)
    return store.search_runs([experiment.experiment_id]) if experiment else []


@needs_mlflow
def test_a_run_has_its_settings_curves_pictures_and_results(store, make_run, train_runs, tmp_path):
    images = "+callbacks.images={_target_: sup.callbacks.GramImages}"
    metrics = "+callbacks.metrics={_target_: sup.callbacks.SuperpositionMetrics}"
    given = ("logger=mlflow", "logger.project=mine", "sparsity=[0,0.9]", "name=pair")
    run = make_run(*given, images, metrics, *TINY)
    (results,) = train_runs(run)
    (held,) = runs_of(store, "mine")
    assert (held.info.status, held.info.run_name) == ("FINISHED", "pair")
    params = held.data.params
    assert (params["activation"], params["importance.decay"]) == ("relu", "0.9")
    assert held.data.metrics["loss"] == pytest.approx(float(results["loss"].mean()))
    curve = store.get_metric_history(held.info.run_id, "training_loss sparsity 0.9")
    assert curve[-1].step == 10
    kept = {one.path: one for one in store.list_artifacts(held.info.run_id)}
    assert kept["results.nc"].file_size == (run.directory / "results.nc").stat().st_size
    assert {"instances.json", "images"} <= kept.keys()
    pictures = [one.path for one in store.list_artifacts(held.info.run_id, "images")]
    assert any("W T W" in path and "step" in path for path in pictures)


@needs_mlflow
def test_what_an_interrupted_command_has_logged_is_gone_on_with(store, make_run):
    from sup.training.loggers import forget_logged

    run = make_run("logger=mlflow")
    for step in (1, 2):
        logger = run.settings.logger.make(run)
        logger.log_metrics({"training_loss": 1.0}, step)
        logger.finalize("failed" if step == 1 else "success")
    (held,) = runs_of(store)
    assert held.info.status == "FINISHED"
    history = store.get_metric_history(held.info.run_id, "training_loss")
    assert [one.step for one in history] == [1, 2]
    forget_logged(run)
    run.settings.logger.make(run).finalize("success")
    assert len(runs_of(store)) == 2


@needs_mlflow
def test_an_id_of_which_nothing_was_written_begins_anew(store, make_run):
    run = make_run("logger=mlflow")
    (run.directory / "mlflow.txt").touch()  # as a kill could leave it
    run.settings.logger.make(run).finalize("success")
    (held,) = runs_of(store)
    assert (run.directory / "mlflow.txt").read_text() == held.info.run_id


@needs_mlflow
def test_the_folder_is_the_current_one_whatever_its_name(monkeypatch, tmp_path, make_run):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    odd = tmp_path / "50%41 of # it"
    odd.mkdir()
    monkeypatch.chdir(odd)
    run = make_run("logger=mlflow")
    run.settings.logger.make(run).finalize("success")
    identity = (run.directory / "mlflow.txt").read_text()
    assert [*odd.glob(f"mlruns/*/{identity}/meta.yaml")]


@needs_mlflow
def test_a_server_out_of_reach_is_left_out_and_said_once(make_run, train_runs, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    runs = [make_run("logger=mlflow", f"activation={name}", *TINY) for name in ("relu", "gelu")]
    train_runs(*runs)
    assert all((run.directory / "results.nc").exists() for run in runs)
    (line,) = [record.getMessage() for record in caplog.records if "MLflow" in record.getMessage()]
    assert "this command leaves it out" in line
