"""An optimizer or a schedule that a stack cannot use is refused before anything is made."""

import pytest

import sup
from sup.config.rules import SettingError
from sup.training.contract import check_optimizer

SCHEDULERS = "torch.optim.lr_scheduler"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"optimizer": "torch.optim.LBFGS"}, "optimizer=torch.optim.LBFGS: .*closure"),
        ({"optimizer": "torch.optim.Adafactor"}, "lets instances .* depend on each other"),
        ({"optimizer": "torch.optim.Muon"}, "optimizer=torch.optim.Muon: cannot be used"),
        ({"optimizer": "torch.nn.ReLU"}, "must be an optimizer"),
        ({"scheduler": "torch.nn.ReLU"}, "must be a scheduler"),
        ({"scheduler": f"{SCHEDULERS}.ReduceLROnPlateau"}, "ReduceLROnPlateau: .*metrics"),
        ({"scheduler": f"{SCHEDULERS}.LambdaLR"}, "LambdaLR: .*lr_lambda"),
        (
            {"scheduler": sup.Part(f"{SCHEDULERS}.OneCycleLR", {"max_lr": 1, "total_steps": 9})},
            "OneCycleLR: .*cycle_momentum",
        ),
        (
            {
                "scheduler": sup.Part(
                    f"{SCHEDULERS}.OneCycleLR",
                    {"max_lr": 1, "total_steps": 9, "cycle_momentum": False},
                )
            },
            "scheduler.total_steps=9: is less than steps=10",
        ),
    ],
    ids=str,
)
def test_refused(given, reason):
    with pytest.raises(SettingError, match=reason):
        check_optimizer(sup.Settings(steps=10, **given))


@pytest.mark.parametrize("name", ["SGD", "AdamW", "RMSprop", "Adagrad", "NAdam"])
def test_an_optimizer_of_torch_that_works_number_by_number_is_taken(name):
    check_optimizer(sup.Settings(optimizer=f"torch.optim.{name}"))
