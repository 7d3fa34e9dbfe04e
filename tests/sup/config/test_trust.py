"""What may run because a file names it."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from torch import nn

import sup
from sup.config.trust import is_trusted

SMALL: dict[str, Any] = {"n_features": 5, "n_hidden": 2, "steps": 20, "batch_size": 64}


@pytest.mark.parametrize(
    "path",
    [
        *("sup.model.activations.ReLU", "torch.nn.Softplus", "torch.nn.modules.activation.ELU"),
        *("torch.nn.functional.softplus", "torch.tanh", "torch.optim.SGD", "torch.optim.sgd.SGD"),
        *("torch.optim.lr_scheduler.StepLR", "lightning.pytorch.Trainer"),
        *("sup.callbacks.GramImages", "sup.model.importance.uniform"),
    ],
)
def test_what_a_file_may_name(path: str):
    assert is_trusted(path)


@pytest.mark.parametrize(
    "path",
    [
        *("os.system", "builtins.eval", "torch.load", "torch.save", "torch.hub.load", "evil.run"),
        *("torch.from_file", "torch.nn.modules.activation.torch.load", "torch.relu.__self__", ""),
        *("sup.model.activations.torch.load", "sup.model.building.call_part", "sup.train"),
        *("torch.nn.functional.importlib.import_module", "torch.optim.lr_scheduler.types.CodeType"),
        *("torch.utils.collect_env.run", "torch.nn.Softplus\nos.system", "lightning.pytorch.os"),
    ],
)
def test_what_it_may_not(path: str):
    assert not is_trusted(path)


@pytest.fixture(scope="module")
def results():
    return sup.train(**SMALL)


@pytest.fixture
def evil(tmp_path, monkeypatch) -> Iterator[str]:
    """Write a module that leaves a trace where it is imported or called."""
    (tmp_path / "evil.py").write_text(
        "from pathlib import Path\n"
        f"trace = Path({str(tmp_path / 'trace')!r})\n"
        "trace.touch()\n"
        "def run(z):\n    return z\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "evil.run"
    assert not (tmp_path / "trace").exists()
    sys.modules.pop("evil", None)


NODES = {
    "activation": lambda path: {"activation": {"_target_": path}},
    "scheduler": lambda path: {"scheduler": {"_target_": path}},
    "callbacks.mine": lambda path: {"callbacks": {"mine": {"_target_": path}}},
    "logger.inner": lambda path: {
        "logger": {"_target_": "sup.training.loggers.no_logger", "inner": [{"_target_": path}]}
    },
}


def naming(results, key: str, path: str):
    config = {**json.loads(results.attrs["config"]), **NODES[key](path)}
    return results.assign_attrs(config=json.dumps(config))


@pytest.mark.parametrize("key", NODES)
def test_settings_are_made_without_what_others_name(key, results, evil):
    with pytest.raises(sup.SettingError) as raised:
        sup.Settings.of_results(naming(results, key, evil))
    given = key if key.startswith("callbacks") else key.partition(".")[0]
    assert "_target_=evil.run: is code that results name, which runs only if you give" in str(
        raised.value
    )
    assert str(raised.value).startswith(given)


def test_what_is_given_runs_in_its_place(results, evil):
    named = naming(results, "activation", evil)
    settings = sup.Settings.of_results(named, activation=nn.Softplus)
    assert settings.activation.target is nn.Softplus
    assert settings.activation.name == "relu"  # as results call it
    assert sup.Settings.of_results(named, activation="gelu", steps=5).steps == 5


@pytest.mark.parametrize(
    "node",
    [
        '{"_target_": "evil.run"}',
        '{"_target_": "os.system"}',
        '{"_target_": ["torch.relu"]}',
        '{"_target_": "torch.nn.Nothing"}',
        '{"_target_": "torch.nn.ReLU", "nonsense": 1}',
        "[]",
        "{",
        "{}",
    ],
)
def test_a_model_is_made_without_what_others_name(node, results, evil):
    named = results.assign_coords(activation_config=node)
    with pytest.raises(sup.SettingError, match="activation=relu: ") as raised:
        sup.load_model(named)
    assert "\n" not in str(raised.value)


def test_an_activation_of_torch_comes_back_with_its_parameters(results):
    node = '{"_target_": "torch.nn.modules.activation.Softplus", "beta": 2.0}'
    model = sup.load_model(results.assign_coords(activation_config=node))
    ((softplus, _),) = model.activations
    assert isinstance(softplus, nn.Module)
    assert softplus.beta == 2
