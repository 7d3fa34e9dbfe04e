"""What reaches each run's logger, and how much of it for a large grid."""

import numpy as np
import pytest
import torch

from sup.analysis.metrics import PER_INSTANCE
from sup.callbacks.metrics import SuperpositionMetrics
from sup.config.grid import MOST_SHOWN, Grid, evenly_spaced
from sup.config.rules import SettingError
from sup.figures.labels import grid_labels
from sup.figures.tiles import gram_picture, grid_picture
from sup.sweep.check import check
from sup.training import wandb_mode
from sup.training.loggers import log_image, no_logger
from sup.training.stack import Stack


def curves(run) -> dict[str, float]:
    stack = Stack.of([run])
    callback = SuperpositionMetrics(stack, {run: no_logger(run)})
    values = {name: torch.arange(float(stack.size)) for name in ("training_loss", *PER_INSTANCE)}
    return callback.curves(run, values)


def test_a_single_instance_has_plain_curves(make_run):
    assert set(curves(make_run())) == {"training_loss", *PER_INSTANCE}


def test_a_grid_has_means_and_labelled_curves(make_run):
    logged = curves(make_run("sparsity=[0,0.9]", "seed=[0,1]"))
    assert logged["training_loss"] == 1.5
    assert logged["training_loss/sparsity=0.9 seed=0"] == 2


def test_a_large_grid_has_a_bounded_number_of_curves(make_run):
    seeds = ",".join(map(str, range(1000)))
    logged = curves(make_run(f"seed=[{seeds}]"))
    assert len(logged) == (1 + MOST_SHOWN) * (1 + len(PER_INSTANCE))
    assert logged["training_loss/seed=0"] == 0
    assert logged["training_loss/seed=999"] == 999


def test_evenly_spaced():
    assert evenly_spaced(3) == [0, 1, 2]
    assert len(evenly_spaced(1000)) == MOST_SHOWN
    assert evenly_spaced(1000)[-1] == 999


@pytest.mark.parametrize("instances", [1, 2, 5, 16])
def test_a_picture_shows_signs_by_colour(instances: int):
    W = np.zeros((instances, 1, 2))
    W[:, 0] = [1, -1]
    picture = gram_picture(W)
    height, width, _ = picture.shape
    assert max(height, width) <= 4 * 170
    red, blue = picture[40, 40], picture[40, 120]
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_tiles_of_a_grid_say_where_they_stand():
    grid = Grid({"sparsity": [0, 0.9], "importance.decay": [0.9], "seed": 0})
    assert grid_labels(grid) == ["S = 0\nimportance decay 0.9", "S = 0.9\nimportance decay 0.9"]
    W = np.zeros((2, 1, 2))
    named, plain = grid_picture(W, grid), gram_picture(W)
    above = named.shape[0] - plain.shape[0]
    assert (named[above:] == plain).all()
    one, other = (named[:above, side] for side in (slice(0, 164), slice(164, 328)))
    assert one.min() == other.min() == 0  # black on white
    assert (one != other).any()
    alone = Grid({"sparsity": 0.9, "seed": 0})
    assert (grid_picture(W[:1], alone) == gram_picture(W[:1])).all()


def test_a_long_label_is_not_cut():
    label = "a setting of a very long name indeed 0.123456"
    W = np.zeros((2, 1, 2))
    wide, cut = gram_picture(W, [label, ""]), gram_picture(W, [label[:10], ""])
    assert wide.shape[1] > cut.shape[1]
    tile, above = wide.shape[1] // 2, wide.shape[0] - gram_picture(W).shape[0]
    assert (wide[:above, tile - 30 : tile] < 255).any()
    assert (wide[:above, tile - 2 :] == 255).all()


IMAGES = "+callbacks.images={_target_: sup.callbacks.GramImages}"


def test_a_picture_of_a_large_model_shows_some_of_its_features():
    W = np.zeros((1, 2, 10_000))
    W[0, 0, ::2], W[0, 1, 1::2] = 1, -1
    W[0, :, -1] = -W[0, :, 0]
    picture = gram_picture(W)
    assert picture.shape == (404, 404, 3)  # two pixels each, in a frame
    first, last = picture[2, 2], picture[2, -3]
    assert first[0] > first[2]
    assert last[0] < last[2]


def test_csv(make_run, train_runs, monkeypatch):
    def painted(W):
        raise AssertionError("a picture is painted that nobody takes")

    monkeypatch.setattr("sup.figures.tiles.gram_picture", painted)
    run = make_run("logger=csv", "steps=50", IMAGES)
    train_runs(run)
    header, *rows = (run.directory / "csv" / "metrics.csv").read_text().splitlines()
    assert {"training_loss", "loss", "step", *PER_INSTANCE} <= set(header.split(","))
    assert len(rows) >= 50


def test_tensorboard(make_run, train_runs):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = make_run("logger=tensorboard", "steps=10", IMAGES)
    train_runs(run)
    events = EventAccumulator(str(run.directory / "tensorboard"))
    events.Reload()
    assert set(PER_INSTANCE) <= set(events.Tags()["scalars"])
    assert len(events.Images("W^T W")) == len([1, 2, 5, 10])


def test_a_logger_without_pictures_takes_none(make_run):
    from lightning.pytorch.loggers import CSVLogger

    log_image(CSVLogger("nowhere"), "W^T W", np.zeros((2, 2, 3), dtype=np.uint8), 0)


@pytest.mark.parametrize(
    ("environment", "mode"),
    [
        ({}, "offline"),
        ({"WANDB_API_KEY": "0" * 40}, "online"),
        ({"WANDB_MODE": "disabled"}, "disabled"),
        ({"WANDB_MODE": "offline", "WANDB_API_KEY": "0" * 40}, "offline"),
    ],
)
def test_wandb_is_offline_unless_logged_in_or_told(environment, mode, monkeypatch):
    monkeypatch.setattr(wandb_mode.wandb_setup, "_singleton", None)  # of an earlier environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wandb_mode.mode() == mode


def test_an_unknown_wandb_mode_is_refused(monkeypatch, make_run):
    monkeypatch.setenv("WANDB_MODE", "of")
    with pytest.raises(SettingError, match="WANDB_MODE=of: must be one of online, offline"):
        check([make_run("logger=wandb")], placed=False)
