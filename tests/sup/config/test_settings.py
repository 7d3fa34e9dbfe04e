"""Bad settings: one line that names the key, the value and what is allowed."""

import pytest

import sup
from sup.config.rules import SettingError

BAD = {
    "sparsity=1": "sparsity=1: must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=0.99999995": "sparsity=0.99999995: must be a number in [0, 1 - 2^-24], "
    "or a list of them",
    "sparsity=-0.1": "sparsity=-0.1: must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=high": "sparsity=high: must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=true": "sparsity=True: must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=null": "sparsity=None: must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=nan": "sparsity=nan: must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=[0.5,2]": "sparsity=2: must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=[]": "sparsity=[]: the list is empty; "
    "must be a number in [0, 1 - 2^-24], or a list of them",
    "sparsity=[0.5,0,0.5]": "sparsity=[0.5, 0, 0.5]: 0.5 stands twice; "
    "the values of a list must differ",
    "seed=0.5": "seed=0.5: must be a whole number in [0, 2^63), or a list of them",
    "seed=-1": "seed=-1: must be a whole number in [0, 2^63), or a list of them",
    "seed=[1,2,1]": "seed=[1, 2, 1]: 1 stands twice; the values of a list must differ",
    "sparsity=[0,0.0]": "sparsity=[0, 0.0]: 0 stands twice; the values of a list must differ",
    "n_features=0": "n_features=0: must be a whole number in [1, 10^6]",
    "n_hidden=[1,2]": "n_hidden=[1, 2]: must be a whole number in [1, 10^6]",
    "steps=1.5": "steps=1.5: must be a whole number in [1, 2^53]",
    "steps=0": "steps=0: must be a whole number in [1, 2^53]",
    "batch_size=0.5": "batch_size=0.5: must be a whole number in [1, 10^12]",
    "importance.decay=0": "importance.decay=0: must be a number in (0, 1], or a list of them",
    "importance.decay=1.1": "importance.decay=1.1: must be a number in (0, 1], or a list of them",
    "importance.decay=x": "importance.decay=x: must be a number in (0, 1], or a list of them",
    "init.gain=0": "init.gain=0: must be a number above 0, or a list of them",
    "optimizer.lr=0": "optimizer.lr=0: must be a number above 0, or a list of them",
    "tags=pilot": "tags=pilot: must be a list of words of 1 to 64 letters, such as [pilot,relu]",
    "trainer.accelerator=gpuu": "trainer.accelerator=gpuu: "
    "must be one of auto, cpu, gpu, cuda, mps, tpu; did you mean gpu?",
    "trainer.devices=2": "trainer.devices=2: more than 1 needs trainer=ddp",
    "+trainer.num_nodes=2": "trainer.num_nodes=2: must be 1",
    "trainer.strategy=fsdp": "trainer.strategy=fsdp: must be one of auto, ddp",
    "trainer.strategy=null": "trainer.strategy=None: must be one of auto, ddp",
}


@pytest.mark.parametrize("override", BAD)
def test_bad_settings(override: str, settings):
    with pytest.raises(SettingError) as raised:
        settings(override)
    assert str(raised.value) == BAD[override]


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["sparsity=[0,0.999]", "seed=[0,3,9223372036854775807]"],
        ["importance=relative", "importance.ratio=[0.1,10]"],
        ["importance=uniform", "init=normal", "init.std=0.02"],
        ["optimizer=adamw", "optimizer.weight_decay=0", "scheduler=constant"],
        ["n_hidden=20", "tags=[pilot]"],
        ["trainer=ddp"],
        ["trainer=ddp", "trainer.devices=1"],
        ["trainer.strategy=auto"],
        ["trainer.strategy=ddp", "trainer.devices=2"],
    ],
)
def test_good_settings(overrides: list[str], settings):
    settings(*overrides)


def test_another_strategy_is_what_is_wrong_with_several_devices(settings):
    with pytest.raises(SettingError, match=r"trainer.strategy=fsdp: must be one of"):
        settings("trainer=ddp", "trainer.strategy=fsdp")


def test_ratio_and_std(settings):
    for overrides in (["importance=relative", "importance.ratio=0"], ["init=normal", "init.std=0"]):
        with pytest.raises(SettingError, match="must be a number above 0"):
            settings(*overrides)


@pytest.mark.parametrize(
    ("override", "name", "meant"),
    [
        ("steps=1e4", "steps", 10_000),
        ("seed=1e3", "seed", 1000),
        ("seed=[0.0,1.0]", "seed", [0, 1]),
        ("seed='1'", "seed", 1),
        ("sparsity='[0,0.9]'", "sparsity", [0, 0.9]),
        ("sparsity='0.5'", "sparsity", 0.5),
        ("resume=false", "resume", False),
    ],
)
def test_what_is_plainly_meant_is_taken(override, name, meant, settings):
    value = getattr(settings(override), name)
    assert repr(value) == repr(meant)


def test_what_is_plainly_meant_is_taken_of_a_parts_setting_too(settings):
    given = settings("optimizer.lr='1e-3'", "callbacks.checkpoint.minutes='2'")
    assert given.optimizer.parameters["lr"] == 0.001
    assert given.callbacks["checkpoint"].parameters["minutes"] == 2
    assert sup.Settings(steps=1e4, seed="3").changed().steps == 10_000
