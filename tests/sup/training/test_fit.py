"""What a fit leaves behind: results, and none of the memory that it has taken."""

import gc
import weakref

import pytest

from sup.training.module import SuperpositionModule


@pytest.fixture
def held(monkeypatch):
    """Return references to what is large in a fit, which do not keep it."""
    references = {}
    start = SuperpositionModule.on_train_start

    def noted(module):
        start(module)
        optimizer = module.optimizers(use_pl_optimizer=False)
        for one in (module, module.trainer, optimizer, module.way, module.autoencoder.W):
            references[type(one).__name__] = weakref.ref(one)

    monkeypatch.setattr(SuperpositionModule, "on_train_start", noted)
    gc.disable()
    yield references
    gc.enable()


def left(held) -> list[str]:
    return [name for name, reference in held.items() if reference() is not None]


@pytest.mark.parametrize("engine", ["native", "eager", "autograd"])
@pytest.mark.parametrize("chosen", [(), ("optimizer._target_=torch.optim.SGD",)])
def test_a_finished_stack_is_gone_at_once(engine, chosen, make_run, train_runs, held):
    train_runs(make_run("steps=5", "trainer=cpu", f"engine={engine}", *chosen))
    assert len(held) == 5
    assert left(held) == []


class Fails:
    calls = 0

    def __call__(self, z):
        Fails.calls += 1
        if Fails.calls == 10:
            raise RuntimeError("boom")
        return z


def test_of_a_stack_that_has_failed_only_the_reason_is_kept(make_run, held):
    from sup.sweep.failures import RunError
    from sup.sweep.train import train

    run = make_run("activation._target_=test_fit.Fails", "steps=50", "engine=eager")
    (made,) = train([run])
    assert isinstance(made, RunError)
    assert "boom" in str(made)
    assert len(held) == 5
    assert left(held) == []
