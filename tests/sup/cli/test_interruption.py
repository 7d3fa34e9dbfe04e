"""Ctrl-C and SIGTERM write a checkpoint and stop cleanly; going on is as if nothing had been."""

import os
import signal

import numpy as np
import pytest

import sup
from sup.callbacks import StackProgress

pytestmark = pytest.mark.usefixtures("no_figures")

SETTINGS = ("-m", "activation=relu,gelu", "steps=300", "logger=none")


@pytest.fixture
def signalled(command, monkeypatch):
    """Run a command that is sent signals by itself when 130 steps are done and the next begins."""

    def ran(*arguments: str, signals: tuple[int, ...]):
        from sup.training.data import Chunk

        steps_of = Chunk.__iter__

        def interrupting(self):
            for step, words in zip(self.steps, steps_of(self), strict=True):
                if step == 130:
                    for number in signals:
                        os.kill(os.getpid(), number)
                yield words

        with monkeypatch.context() as patch:
            patch.setattr(Chunk, "__iter__", interrupting)
            return command(*arguments, "engine=eager")

    return ran


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_a_signal_writes_a_checkpoint_that_is_gone_on_from(
    number, status, signalled, command, tmp_path
):
    assert command(*SETTINGS, "engine=eager", "hydra.sweep.dir=undisturbed").status == 0
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    stopped = signalled(*SETTINGS, "hydra.sweep.dir=sweep", signals=(number,))
    assert stopped.status == status
    assert "stopped at step 130; checkpoint at step 130: sweep/checkpoints/" in stopped.out
    assert "Traceback" not in stopped.error
    assert {one: signal.getsignal(one) for one in before} == before
    assert not list((tmp_path / "sweep").rglob("results.nc"))
    on = command(*SETTINGS, "engine=eager", "hydra.sweep.dir=sweep")
    assert on.status == 0
    assert "going on from sweep/checkpoints/" in on.out
    one, other = (sup.load_sweep(tmp_path / name) for name in ("undisturbed", "sweep"))
    for name in ("W", "b", "loss", "training_loss"):
        assert np.array_equal(one[name].values, other[name].values), name


def test_a_second_signal_does_not_wait_for_the_step(signalled, tmp_path):
    twice = (signal.SIGINT, signal.SIGINT)
    stopped = signalled(*SETTINGS, "hydra.sweep.dir=sweep", signals=twice)
    assert stopped.status != 0
    assert "stopped before the first checkpoint" in stopped.out
    assert not list((tmp_path / "sweep").rglob("*.ckpt"))


def test_a_signal_between_two_chunks_writes_a_checkpoint_too(command, monkeypatch, tmp_path):
    start = StackProgress.on_train_batch_start

    def interrupting(self, trainer, pl_module, batch, batch_idx):
        start(self, trainer, pl_module, batch, batch_idx)
        if pl_module.step == 200:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(StackProgress, "on_train_batch_start", interrupting)
        stopped = command(*SETTINGS, "hydra.sweep.dir=sweep")
    assert stopped.status == 143
    assert "checkpoint at step 200" in stopped.out
