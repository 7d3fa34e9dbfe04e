"""W&B: what its server or its service does never ends a training, and what is said is obeyed."""

import http.server
import os
import re
import socket
import struct
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import wandb
from wandb.errors import CommError

import sup
from sup.config.rules import SettingError
from sup.training import wandb_logger, wandb_mode, wandb_server
from sup.training.loggers import forget_unsent, unsent
from sup.training.wandb_logger import LIMITS, LONGEST_NAME, OwnWandbLogger, cut

KEY = "f00d" * 10


class _Answers(http.server.BaseHTTPRequestHandler):
    status, body = 200, b"{}"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format, *args):
        """Say nothing."""


@pytest.fixture
def server():
    """Start a server that answers, resets or hangs; return its address."""
    ends = []

    def answering(status: int, body: bytes = b"{}") -> str:
        kind = type("Kind", (_Answers,), {"status": status, "body": body})
        started = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
        threading.Thread(target=started.serve_forever, args=(0.01,), daemon=True).start()
        ends.extend([started.shutdown, started.server_close])
        return f"http://127.0.0.1:{started.server_port}"

    def listening(fault: str) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if fault == "refuses":
            listener.close()
            return address
        ends.append(listener.close)
        if fault == "resets":

            def reset():
                connection, _ = listener.accept()
                connection.recv(1)
                linger = struct.pack("ii", 1, 0)  # close sends a reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()

            threading.Thread(target=reset, daemon=True).start()
        return address  # else it hangs: the system accepts, and nobody answers

    def start(kind: str) -> str:
        bodies = {"healthy": b'{"data": {"viewer": {"id": "me"}}}'}
        bodies["nobody"] = b'{"data": {"viewer": null}}'
        if kind in bodies:
            return answering(200, bodies[kind])
        return answering(int(kind)) if kind.isdecimal() else listening(kind)

    yield start
    for end in ends:
        end()


@pytest.fixture(autouse=True)
def _anew(monkeypatch):
    monkeypatch.setattr(wandb_server, "PATIENCE", 0.3)
    monkeypatch.setenv(wandb_mode.VERDICT, "")
    monkeypatch.delenv(wandb_mode.VERDICT)


@pytest.fixture
def online(monkeypatch, server):
    """Have a command log online, to a server of some kind."""

    def told(kind: str) -> None:
        monkeypatch.setenv("WANDB_BASE_URL", server(kind))
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        monkeypatch.setenv("WANDB_MODE", "online")

    return told


FAULTS = {
    "refuses": "Connection refused",
    "hangs": "does not answer within",
    "resets": "Connection reset|ConnectionResetError|RemoteDisconnected",
    "500": "answers with status 500",
    "503": "answers with status 503",
    "401": "refuses the API key",
    "nobody": "refuses the API key",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_takes_no_runs_is_found_out_once(fault, online, caplog):
    online(fault)
    wandb_mode.settle("here")
    assert wandb_mode.verdict() == "offline"
    wandb_mode.settle("here")
    assert wandb_mode.verdict() == "offline"
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert caplog.text.count("this command logs offline") == 1
    caplog.clear()
    os.environ["WANDB_BASE_URL"] = "http://127.0.0.1:1"
    wandb_mode.settle("elsewhere")  # another command asks again
    assert "127.0.0.1:1" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("fault", FAULTS)
def test_the_reason_is_named(fault, server):
    assert re.search(FAULTS[fault], str(wandb_server.refusal(server(fault), KEY)))


@pytest.mark.parametrize("kind", ["healthy", "404", "403", "429"])
def test_a_server_that_may_take_runs_is_used(kind, online, caplog):
    online(kind)
    wandb_mode.settle("here")
    assert wandb_mode.verdict() == "online"
    assert not caplog.records


def test_online_without_a_key_is_offline(monkeypatch, caplog):
    monkeypatch.setenv("WANDB_MODE", "online")
    wandb_mode.settle("here")
    assert wandb_mode.verdict() == "offline"
    assert "nobody is logged in" in caplog.text


def test_a_sweep_trains_whatever_the_server_does(online, command, tmp_path):
    online("hangs")
    tiny = ("n_features=5", "n_hidden=2", "steps=10", "batch_size=64", "figures=none")
    done = command("-m", "activation=relu,gelu", "hydra.sweep.dir=sweep", *tiny)
    assert done.status == 0
    assert done.error.count("W&B") == 1
    assert "does not answer within" in done.error
    assert len([*tmp_path.glob("sweep/?/results.nc")]) == 2
    for place in ("0", "1", "."):
        assert len([*(tmp_path / "sweep" / place).glob("wandb/offline-run-*")]) == 1
    assert "wandb sync sweep/wandb/offline-run-* sweep/*/wandb/offline-run-*" in done.out
    assert KEY not in done.out + done.error
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


@pytest.fixture
def begun(monkeypatch):
    """Keep what W&B is told when a run begins, and fail as asked."""
    told, failing = [], []

    def init(**arguments):
        told.append(arguments)
        if arguments["mode"] in failing:
            (Path(arguments["dir"]) / "wandb" / f"run-1-{len(told)}").mkdir(parents=True)
            raise CommError(f"no luck\n with {arguments['mode']}")
        defined = {"define_metric": lambda *_, **__: None}
        return SimpleNamespace(offline=True, disabled=False, **defined)

    def begin(*modes: str):
        failing[:] = modes
        return told

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(OwnWandbLogger, "__init__", lambda self, experiment: None)
    begin()
    return begin


def test_what_fails_at_the_beginning_is_logged_offline(begun, online, make_run, caplog):
    told = begun("online")
    online("healthy")
    runs = [make_run("logger=wandb") for _ in range(3)]
    for run in runs:
        assert isinstance(run.settings.logger.make(run), OwnWandbLogger)
    assert [one["mode"] for one in told] == ["online", "offline", "offline", "offline"]
    (record,) = caplog.records
    assert "no luck with online; this command logs offline" in record.getMessage()
    assert not [*runs[0].directory.glob("wandb/run-*")]


def test_what_cannot_be_logged_at_all_is_left_out(begun, make_run, caplog):
    told = begun("offline")
    for _ in range(3):
        run = make_run("logger=wandb")
        run.settings.logger.make(run).log_metrics({"loss": 1.0}, 0)
    assert len(told) == 1
    (record,) = caplog.records
    assert "leaves W&B out" in record.getMessage()


class _Broken:
    """A W&B run whose service has died."""

    offline = disabled = False
    calls = 0

    def __init__(self, folder: Path):
        self.dir = str(folder / "files")

    def define_metric(self, *_, **__):
        pass

    def fail(self, *_, **__):
        self.calls += 1
        raise ConnectionResetError

    log = fail

    def finish(self, exit_code: int):
        self.fail()


def test_a_service_that_dies_is_not_asked_again(online, tmp_path, caplog):
    online("healthy")
    wandb_mode.settle("here")
    folders = [tmp_path / "a", tmp_path / "b", tmp_path / "gone"]
    loggers = [OwnWandbLogger(_Broken(folder)) for folder in folders]
    for folder, logger in zip(folders, loggers, strict=True):
        if folder.name != "gone":
            folder.mkdir()
        for step in range(3):
            logger.log_metrics({"loss": 1.0}, step)
        logger.finalize("success")
    assert [logger.experiment.calls for logger in loggers] == [1, 1, 1]
    assert len(caplog.records) == 1
    assert [(folder / "unsent").exists() for folder in folders] == [True, True, False]


def test_a_service_that_dies_at_the_end_leaves_the_run_to_be_sent(online, tmp_path):
    online("healthy")
    wandb_mode.settle("here")
    OwnWandbLogger(_Broken(tmp_path)).finalize("success")
    assert (tmp_path / "unsent").exists()


def test_a_server_that_takes_no_end_is_waited_for_once(online, tmp_path, monkeypatch, caplog):
    online("healthy")
    wandb_mode.settle("here")
    monkeypatch.setitem(LIMITS, "finish_timeout", 0)
    finished = []
    for name in ("run-1-a", "run-1-b"):
        folder = tmp_path / "wandb" / name
        folder.mkdir(parents=True)
        experiment: Any = SimpleNamespace(offline=False, disabled=False, dir=folder / "files")
        experiment.define_metric = lambda *_, **__: None
        experiment.finish = lambda exit_code, name=name: finished.append(name)
        OwnWandbLogger(experiment).finalize("success")
    assert finished == ["run-1-a"]
    assert {path.name for path in unsent(tmp_path)} == {"run-1-a", "run-1-b"}
    assert len(caplog.records) == 1


def told_of(begun, make_run, *overrides: str, **changes) -> dict:
    run = replace(make_run("logger=wandb", *overrides), **changes)
    told = begun()
    run.settings.logger.make(run)
    return told[-1]


def test_the_environment_says_what_the_settings_do_not(begun, make_run, monkeypatch, tmp_path):
    usual = told_of(begun, make_run, group="a/b")
    assert (usual["name"], usual["group"]) == ("logger=wandb", "a/b")
    assert usual["project"] == "superposition"
    names = ("NAME", "RUN_GROUP", "PROJECT", "ENTITY", "TAGS", "NOTES", "RUN_ID")
    for name in names:
        monkeypatch.setenv(f"WANDB_{name}", f"its-{name.lower()}")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "there"))
    own = SimpleNamespace(project="its-project")
    monkeypatch.setattr(wandb_logger, "own_settings", lambda: own)
    left = told_of(begun, make_run, group="a/b")
    assert [left[name] for name in ("name", "group", "entity", "tags", "notes")] == [None] * 5
    assert (left["project"], left["id"]) == ("its-project", "its-run_id")
    assert left["dir"].is_relative_to(tmp_path / "there")
    chosen = ("name=x", "tags=[y]", "logger.project=z", "logger.entity=e")
    said = told_of(begun, make_run, *chosen)
    assert [said[key] for key in ("name", "tags", "project", "entity")] == ["x", ["y"], "z", "e"]


def test_git_is_asked_once_for_a_sweep_and_packages_are_listed_once(
    begun, make_run, monkeypatch, tmp_path
):
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b")
    for line in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run([*git, *line], check=True)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    wandb_logger.of_a_sweep.cache_clear()
    job = told_of(begun, make_run)["settings"]
    assert (job.git_root, job.git_commit, job.disable_git) == (str(tmp_path), commit, False)
    assert not job.x_save_requirements
    monkeypatch.setattr(wandb_logger, "GitRepo", None)  # it would be called
    assert told_of(begun, make_run)["settings"].git_commit == commit
    sweeps = told_of(begun, make_run, directory=tmp_path)["settings"]
    assert sweeps.x_save_requirements
    assert sweeps.git_commit is None
    wandb_logger.of_a_sweep.cache_clear()
    monkeypatch.setenv("WANDB_GIT_COMMIT", "its-commit")
    monkeypatch.setenv("WANDB_X_SAVE_REQUIREMENTS", "true")
    theirs = told_of(begun, make_run)["settings"]
    assert theirs.git_root is None
    assert "x_save_requirements" not in theirs.model_fields_set


def test_wandb_dir_holds_the_runs_apart(begun, make_run, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "there"))
    one, other = (told_of(begun, make_run)["dir"] for _ in range(2))
    assert one != other
    (one / "wandb" / "offline-run-1-mine").mkdir(parents=True)
    run = make_run("logger=wandb")
    monkeypatch.setattr("sup.training.loggers.wandb_home", lambda directory: one)
    assert [path.name for path in unsent(run.directory)] == ["offline-run-1-mine"]


def test_what_lies_behind_a_link_is_neither_removed_nor_gone_on_with(begun, make_run, tmp_path):
    others = tmp_path / "shared" / "offline-run-1-theirs"
    others.mkdir(parents=True)
    run = make_run("logger=wandb")
    (run.directory / "wandb").symlink_to(others.parent)
    forget_unsent(run.directory)
    assert others.exists()
    told = begun()
    run.settings.logger.make(run)
    assert told[-1]["id"] is None


@pytest.mark.parametrize("length", [LONGEST_NAME, LONGEST_NAME + 1, 1000])
def test_a_long_name_is_cut_and_stays_unique(length, begun, make_run):
    names = [letter + "n" * (length - 2) + letter for letter in "ab"] + ["a" + "n" * (length - 1)]
    shown = [str(cut(name)) for name in names]
    assert len({*shown}) == 3
    assert all(len(name) == min(length, LONGEST_NAME) for name in shown)
    told = told_of(begun, make_run, name=names[0], group=names[1])
    assert (told["name"], told["group"]) == (shown[0], shown[1])
    assert told["notes"] == (names[0] if length > LONGEST_NAME else None)


REFUSED = {
    "WANDB_RUN_ID": ("mine", "WANDB_RUN_ID=mine: is the id of one W&B run"),
    "WANDB_SWEEP_ID": ("theirs", "WANDB_SWEEP_ID=theirs: W&B's agent starts one run at a time"),
    "WANDB_PROJECT": ("a/b", "WANDB_PROJECT=a/b: "),
    "WANDB_TAGS": ("x" * 65, "WANDB_TAGS=xxx"),
    "WANDB_MODE": ("of", "WANDB_MODE=of: must be one of"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_variable_that_cannot_be_is_refused_in_one_line(name, monkeypatch, command, tmp_path):
    value, message = REFUSED[name]
    monkeypatch.setenv(name, value)
    done = command("-m", "activation=relu,gelu", "steps=10", "hydra.sweep.dir=sweep")
    assert done.status == 1
    assert done.error.startswith(f"error: {message}")
    assert "\n" not in done.error.strip()
    assert not (tmp_path / "sweep").exists()


def test_a_secret_that_cannot_be_is_not_shown(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", f" {KEY}")
    with pytest.raises(SettingError) as error:
        wandb_mode.check_environment(1, is_sweep=False)
    assert KEY not in str(error.value)


def test_one_run_may_be_named_by_its_id(monkeypatch):
    monkeypatch.setenv("WANDB_RUN_ID", "mine")
    wandb_mode.check_environment(1, is_sweep=False)
    with pytest.raises(SettingError):
        wandb_mode.check_environment(1, is_sweep=True)


def test_settings_without_a_project_leave_it_to_the_environment():
    assert sup.Settings(logger="wandb").logger.parameters == {"project": None, "entity": None}


@pytest.mark.parametrize("home", [None, "a file", "there"])
def test_without_a_home_wandb_writes_its_log_elsewhere(home, monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("WANDB_CACHE_DIR", "")
    monkeypatch.setenv("HOME", str(tmp_path / str(home)))
    if home is None:
        monkeypatch.delenv("HOME")
    wandb_mode.own_settings()
    place = os.environ["WANDB_CACHE_DIR"]
    assert (tmp_path / "there" / ".cache" / "wandb").is_dir() == (home == "there")
    assert (Path(place).parent == tmp_path) == (home != "there")
