"""`--help`: a first page of one screen, and a page on each topic, by what the settings say."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sup.cli import helping
from sup.config.options import CALLBACKS, OPTIONS
from sup.config.settings import GROUPS, all_settings
from sup.config.topics import TOPICS

ROOT = Path(__file__).parents[3]


def test_the_first_page_fits_on_a_screen_and_names_each_topic(command):
    outcome = command("--help")
    assert outcome.status == 0
    assert outcome.out.count("\n") < 50
    for name, topic in TOPICS.items():
        assert f"    {name} " in outcome.out
        assert topic.meaning in outcome.out


def test_every_setting_and_every_group_is_of_one_topic():
    of_groups = [group for topic in TOPICS.values() for group in topic.groups]
    assert sorted(of_groups) == sorted([*GROUPS, "callbacks"])
    alone = [key for topic in TOPICS.values() for key in topic.settings]
    assert sorted(alone) == sorted(
        key for key in all_settings() if key.partition(".")[0] not in (*GROUPS, "callbacks")
    )


def test_a_page_says_what_the_source_says():
    page = helping.answer(["--help", "training"])
    about = all_settings()["steps"]
    assert f"steps={about.default}" in page
    assert about.meaning in page
    assert about.rule.allowed in page
    assert OPTIONS["optimizer"]["sgd"].meaning in page
    assert CALLBACKS["images"].meaning in helping.answer(["-h", "callbacks"])


def test_help_on_one_setting_or_group():
    page = helping.answer(["--help", "optimizer.lr"])
    assert all_settings()["optimizer.lr"].meaning in page
    assert len(page.splitlines()) == 2
    assert "    swish " in helping.answer(["--help", "activation"])


def test_what_files_say_of_themselves_is_shown():
    file = ROOT / "conf" / "hydra" / "launcher" / "submitit_slurm.yaml"
    page = helping.answer(["--help", "clusters"])
    for key, value in yaml.safe_load(file.read_text()).items():
        if not (key.startswith("_") or isinstance(value, dict)):
            assert f" hydra.launcher.{key}=" in page
    assert "hydra.launcher.ray.init.num_cpus=null" in page
    assert "hydra.sweeper.n_trials=32" in helping.answer(["--help", "search"])
    experiments = helping.answer(["--help", "experiments"])
    for path in (ROOT / "conf" / "experiment").glob("*.yaml"):
        assert f"    {path.stem} " in experiments


@pytest.mark.parametrize("name", TOPICS)
def test_examples_are_of_keys_that_there_are(name: str):
    known = {*all_settings(), *GROUPS, "experiment", "family", "rerun", "hydra/launcher"}
    for example in TOPICS[name].examples:
        for word in shlex.split(example):
            key = word.lstrip("~").partition("=")[0]
            assert word == "-m" or key in known or key.startswith(("hydra.", "callbacks.")), word


def test_the_program_is_called_as_the_user_has_called_it(monkeypatch: pytest.MonkeyPatch):
    for script, said in {
        "/usr/bin/superposition": "superposition",
        "/a/sup/__main__.py": "python -m sup",
    }.items():
        monkeypatch.setattr(sys, "argv", [script])
        assert f"\n  {said} -m [key=value,value ...]" in helping.first_page()


def test_who_has_read_enough_ends_it_quietly():
    shell = f"{sys.executable} train.py --help all | head -1"
    done = subprocess.run(
        ["bash", "-c", shell], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
