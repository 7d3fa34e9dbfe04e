"""What TAB offers: all that Hydra would, and more, without waiting for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.plugins.completion_plugin import DefaultCompletionPlugin

from sup.cli import completion, store
from sup.config.options import OPTIONS

ROOT = Path(__file__).parents[3]


def offered(line: str, program: str = "python train.py") -> list[str] | None:
    said = completion.answer(["-sc", "query=bash"], {"COMP_LINE": f"{program} {line}"})
    return None if said is None else said.split()


@pytest.fixture(scope="module")
def hydras():
    store.register()
    loader = ConfigLoaderImpl(create_config_search_path(str(ROOT / "conf")))
    plugin = DefaultCompletionPlugin(loader)
    return lambda line: plugin._query(config_name="config", line=line)


LISTS = {"hydra": "hydra/", "tags.": "tags=", "seed.": "seed=", "sparsity.": "sparsity="}
"""What Hydra offers of lists, which take another list, and of its own group."""


@pytest.mark.parametrize(
    "line",
    [
        "",
        "act",
        "activation=",
        "activation=re",
        "experiment=",
        "family=",
        "optimizer.",
        "optimizer=sgd optimizer.",
        "optimizer=adamw optimizer.lr=",
        "experiment=phase_diagram ",
        "experiment=phase_diagram importance.",
        "experiment=dimensions n_features=",
        "-m activation=relu,gelu callbacks.checkpoint.",
        "callbacks.checkpoint.minutes=",
        "steps=200 scheduler.T_max=",
        "+imp",
        "~act",
        "figures.format=",
    ],
)
def test_it_is_what_hydra_would_offer_and_more(line: str, hydras):
    wanted = {LISTS.get(one, one) for one in hydras(line)}
    assert wanted
    assert wanted <= set(offered(line) or [])


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("engine=", ["auto", "autograd", "compiled", "eager", "native", "triton"]),
        ("-m engine=native,ea", ["native,eager"]),
        ("-m activation=relu,ge", ["relu,gelu"]),
        ("logger=[csv,w", ["[csv,wandb"]),
        ("sort=-l", ["-loss"]),
        ("trainer.precision=64", ["64", "64-true"]),
        ("stack.devices=", ["auto"]),
    ],
)
def test_words_of_a_setting_go_on_in_lists_and_sweeps(line: str, more: list[str]):
    key = line.rsplit(maxsplit=1)[-1].partition("=")[0]
    found = offered(line)
    assert found is not None
    assert found == [f"{key}={one}" for one in more]


def test_where_none_is_chosen_the_logger_is_that_of_the_command():
    own = {f"logger.{name}=" for name in OPTIONS["logger"]["wandb"].settings}
    assert own <= set(offered("logger.") or [])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("--help m", ["model"]),
        ("--cfg ", ["all", "hydra", "job"]),
        ("--mu", ["--multirun"]),
        ("~callbacks.im", ["~callbacks.images"]),
        ("+step", ["+steps="]),
    ],
)
def test_flags_and_topics(line: str, found: list[str]):
    assert offered(line) == found


def test_flags_are_hydras():
    known = {flag for action in get_args_parser()._actions for flag in action.option_strings}
    assert set(completion.FLAGS) <= known


def test_paths_are_those_that_a_setting_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs" / "one").mkdir(parents=True)
    for name in ("last.ckpt", "results.nc", "notes.txt"):
        (tmp_path / "outputs" / "one" / name).touch()
    assert offered("resume=") == ["resume=outputs/", "resume=true"]
    assert offered("resume=outputs/one/") == ["resume=outputs/one/last.ckpt"]
    assert offered("rerun=./outputs/one/r") == ["rerun=./outputs/one/results.nc"]
    assert offered("resume=nowhere/") == []


@pytest.mark.parametrize(
    "line", ["hydra.", "hydra/launcher=", "--config-dir conf act", "activation=mine activation."]
)
def test_what_only_hydra_knows_it_answers(line: str):
    assert offered(line) is None


@pytest.mark.parametrize(
    "program", ["superposition", ".venv/bin/python train.py", "python3.11 -m sup"]
)
def test_however_the_program_is_called(program: str):
    assert offered("optimizer.l", program) == ["optimizer.lr="]


TAB = """
import runpy, sys
sys.argv = ["train.py", "-sc", "query=bash"]
runpy.run_path("train.py", run_name="__main__")
assert not {"hydra", "omegaconf", "antlr4", "rich", "torch"} & set(sys.modules)
"""


def test_a_tab_imports_neither_hydra_nor_what_is_slow():
    done = subprocess.run(
        [sys.executable, "-c", TAB],
        cwd=ROOT,
        env={**os.environ, "COMP_LINE": "python train.py optimizer.l"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "optimizer.lr=\n"


def test_in_a_shell(tmp_path: Path):
    """By the function that Hydra installs, as bash calls it."""
    folder = Path(sys.executable).parent
    script = """
    eval "$(superposition -sc install=bash)"
    COMP_LINE="superposition -m activation=relu,ge" COMP_CWORD=2
    hydra_bash_completion
    echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "activation=relu,gelu", done.stderr
