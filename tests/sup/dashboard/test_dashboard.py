"""The dashboard shows what is logged: its names are those of an offline sweep."""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from matplotlib.figure import Figure
from offline import told
from wandb.sdk import wandb_setup

from sup.dashboard import __main__ as dashboard
from sup.dashboard import panels
from sup.training import wandb_server

TINY = ("n_features=5", "n_hidden=2", "steps=10", "batch_size=64", "~callbacks.progress")


def values(held: Any, key: str) -> Iterator[Any]:
    """Yield every value that a specification has under a key, however deep."""
    if isinstance(held, dict):
        if key in held:
            yield held[key]
        for inner in held.values():
            yield from values(inner, key)
    elif isinstance(held, list):
        for inner in held:
            yield from values(inner, key)


def names_in(specification: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the names of what is logged, and the keys of the config, that panels refer to."""
    axes = [name for key in ("xAxis", "yAxis", "accessor") for name in values(specification, key)]
    listed = [name for key in ("metrics", "mediaKeys") for one in values(specification, key)
              for name in one]  # fmt: skip
    grouped = [f"config:{name}" for name in values(specification, "groupBy")]
    tables = [node["val"] for node in values(specification, "key") if isinstance(node, dict)
              and node.get("nodeType") == "const"]  # fmt: skip
    every = {str(name) for name in [*axes, *listed, *grouped, *tables]}
    keys = {name for name in every if name.startswith("config:")}
    config = {name.removeprefix("config:").removesuffix(".value") for name in keys}
    return {name.removeprefix("summary:") for name in every - keys}, config


def test_panels_name_what_is_logged(command, monkeypatch, tmp_path):
    monkeypatch.setattr("sup.sweep.draw.NAMES", ())  # the runs' own figures, which are not logged
    for name in ("gram_gallery", "dimensions_figure"):  # only their names are of interest
        monkeypatch.setattr(f"sup.figures.sweep.{name}", lambda results: Figure())
    swept = ("-m", "activation=relu,gelu", "sparsity=0,0.9", "logger=wandb", "hydra.sweep.dir=it")
    assert command(*swept, *TINY).status == 0
    (run,), histories = told(tmp_path / "it" / "0", "run"), []
    for home in (tmp_path / "it" / "0", tmp_path / "it"):
        histories += told(home, "history")
    logged = {name for row in histories for name in row["item"]}
    logged |= {name.rpartition(".")[0] for name in logged}  # pictures and tables have parts
    for kind, made in panels.specification("me", "toys").items():
        names, config = names_in(made)
        assert {"training_loss", "loss", "W^T W", "instances", "dimensions_per_feature"} <= names
        assert names <= logged, kind
        assert "activation" in config
        assert config <= run["config"]["update"].keys(), kind


def test_without_an_account_it_says_so_and_still_prints(capsys, monkeypatch):
    monkeypatch.setattr("sup.training.wandb_mode.api_key", lambda: None)
    with pytest.raises(SystemExit, match=r"^error: nobody is logged in to W&B"):
        dashboard.main(["me/toys"])
    dashboard.main(["me/toys", "--json"])
    assert json.loads(capsys.readouterr().out).keys() == {"workspace", "report"}


def test_a_server_out_of_reach_is_named_at_once(monkeypatch):
    monkeypatch.setattr(wandb_server, "PATIENCE", 0.3)
    monkeypatch.setenv("WANDB_API_KEY", "f00d" * 10)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    with pytest.raises(SystemExit, match=r"^error: http://127.0.0.1:1: .*Connection refused"):
        dashboard.main(["me/toys"])


@pytest.mark.parametrize("given", ["toys", "me/", "/toys", "https://wandb.ai/me/toys"])
def test_a_project_is_an_entity_and_a_name(given):
    with pytest.raises(SystemExit, match=f"^error: {given}: must be ENTITY/PROJECT"):
        dashboard.main([given])


def test_where_the_library_is_not_installed_it_says_how(monkeypatch):
    monkeypatch.setattr(dashboard, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"not installed: pip install .*\[dashboard\]"):
        dashboard.main(["me/toys"])


class _Server(http.server.BaseHTTPRequestHandler):
    """As much of W&B's server as it takes to save a view and a report."""

    sent: list[dict[str, Any]]

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer: dict[str, Any] = {"viewer": {"id": "me", "entity": "me", "username": "me"}}
        asked: dict[str, Any] = json.loads(body) if self.path == "/graphql" else {"query": ""}
        if "upsertView" in asked["query"]:
            given = asked["variables"]
            self.sent.append(given)
            view = {**given, "id": "saved", "project": {"name": "toys", "entityName": "me"}}
            answer = {"upsertView": {"view": view, "inserted": True}}
        elif "GetProjects" in asked["query"]:
            page = {"endCursor": None, "hasNextPage": False}
            one = {"id": "1", "name": "toys", "entityName": "me", "isBenchmark": False}
            one |= {"createdAt": "2026-01-01T00:00:00Z", "user": None}
            answer = {"models": {"edges": [{"node": one, "cursor": ""}], "pageInfo": page}}
        content = json.dumps({"data": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    """Start a server that takes all that it is sent, and have W&B use it."""
    kind = type("Kind", (_Server,), {"sent": []})
    started = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=started.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{started.server_port}")
    monkeypatch.setenv("WANDB_API_KEY", "f00d" * 10)
    monkeypatch.setattr(wandb_setup, "_singleton", None)  # of another environment
    yield kind
    started.shutdown()
    started.server_close()


def test_both_are_saved_and_their_places_said(server, capsys):
    dashboard.main(["me/toys"])
    said = capsys.readouterr()
    (report, workspace), ours = server.sent, panels.specification("me", "toys")
    assert [one["type"] for one in server.sent] == ["runs", "project-view"]
    for sent, kind in ((report, "report"), (workspace, "workspace")):
        assert names_in(json.loads(sent["spec"])) == names_in(ours[kind])
    (first, second) = said.out.splitlines()
    assert re.fullmatch(r"report: http://127.0.0.1:\d+/me/toys/reports/\S+--saved", first)
    assert re.fullmatch(r"workspace: http://127.0.0.1:\d+/me/toys\?nw=\w+", second)
    assert not said.err


def test_what_the_server_refuses_is_one_line(monkeypatch):
    def save(self):
        raise RuntimeError("permission denied\nfor you")

    monkeypatch.setattr(dashboard, "check_server", lambda: None)
    monkeypatch.setattr(panels.wr.Report, "save", save)
    with pytest.raises(SystemExit, match=r"^error: me/toys: .*permission denied for you$"):
        dashboard.main(["me/toys"])
