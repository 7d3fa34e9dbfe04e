"""No command line ends in a traceback or leaves something behind, however it was garbled.

`FUZZ=2000 python -m pytest tests/sup/cli/test_fuzz.py` tries more of them.
"""

import contextlib
import os
import shutil
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ", "20"))

VALID = [
    "activation=gelu",
    "sparsity=[0,0.5,0.9]",
    "-m",
    "activation=relu,gelu",
    "seed=range(3)",
    "importance=relative",
    "importance.ratio=[0.1,1,10]",
    "importance=explicit",
    "importance.values=[1,0.5]",
    "n_features=2",
    "n_hidden=1",
    "optimizer=adamw",
    "optimizer.lr=0.01",
    "scheduler=constant",
    "init.std=0.02",
    "init=normal",
    "steps=50",
    "batch_size=64",
    "data=quadrature",
    "logger=none",
    "figures=none",
    "tags=[pilot,relu]",
    "name=mine",
    "resume=true",
    "stack.max_memory=1",
    "trainer.precision=64-true",
    "callbacks.checkpoint.minutes=2",
    "~callbacks.images",
    "experiment=bottleneck",
    "hydra.sweep.subdir=${hydra.job.num}",
    "--sparsity=0.9",
]

PIECES = [*"[]{}'\"()$,=:@+~-.*# \t\n0", "==", "${", "${steps}", "\\", "++", "--", ".."]
PIECES += ["é", "→", "-1", "1e999", "nan", "null", "true", "None", "9" * 40, "0x10"]
PIECES += ["range(", "choice(1,2)", "glob(*)", "!!int"]


@st.composite
def garbled(draw: st.DrawFn) -> list[str]:
    """Return a few valid arguments, in some of which something is lost, doubled or put in."""
    line = draw(st.lists(st.sampled_from(VALID), min_size=1, max_size=4))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(line) - 1))
        text = line[place]
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 4)))
        put = draw(st.one_of(st.just(""), st.sampled_from(PIECES), st.just(text[at:end] * 2)))
        line[place] = text[:at] + put + text[end:]
    return [text for text in line if "\0" not in text]


class Reached(BaseException):
    """The command has been checked, and would train."""


def train(*_: object) -> None:
    raise Reached


@hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == 20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(["name=${name}"])
@example(["importance.values=[1,0.5]\n", "importance=explicit"])
@given(garbled())
def test_it_is_told_in_one_line_or_would_train(command, monkeypatch, tmp_path: Path, line):
    monkeypatch.setattr("sup.sweep.train.train", train)
    for name in os.listdir(tmp_path):
        if name.startswith(("outputs", "multirun")):
            shutil.rmtree(tmp_path / name)
    before = sorted(os.listdir(tmp_path))
    with contextlib.suppress(Reached):
        outcome = command(*line)
        assert outcome.status in (0, 1), (line, outcome)
        if outcome.status == 1:
            told = outcome.error.strip().splitlines()
            assert len(told) == 1, (line, outcome)
            assert told[0].startswith("error: "), (line, outcome)
            assert sorted(os.listdir(tmp_path)) == before, line
