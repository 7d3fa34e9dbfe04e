"""Training as an animation."""

from typing import Any

import numpy as np
from PIL import Image

from sup.figures.animation import gram_animation, write_gif
from sup.training.schedule import FRAMES, measured, snapshots


def test_snapshots_begin_at_the_start_and_end_at_the_end():
    for steps in (1, 7, 300, 10_000, 123_456):
        kept = snapshots(steps)
        assert kept == sorted(set(kept))
        assert (kept[0], kept[-1]) == (0, steps)
        assert len(kept) <= FRAMES + 1
        assert set(kept[1:]) <= set(measured(steps))


def test_a_run_keeps_its_weights_and_they_become_a_gif(make_run, train_runs, tmp_path):
    (results,) = train_runs(make_run("steps=50", "sparsity=0.9"))
    assert results["snapshot"].values.tolist() == snapshots(50)
    last = results["training_W"].isel(snapshot=-1)
    assert np.array_equal(last, results["W"])
    assert not np.array_equal(results["training_W"].isel(snapshot=0), results["W"])
    path = write_gif(gram_animation(results), tmp_path / "training.gif")
    with Image.open(path) as gif:
        assert getattr(gif, "n_frames", 1) == len(snapshots(50))
        assert gif.info["duration"] < 200
        gif.seek(len(snapshots(50)) - 1)
        assert gif.info["duration"] > 1900  # so that the end is seen


def test_an_animation_says_what_it_is_of(make_run, train_runs):
    (results,) = train_runs(make_run("steps=2", "sparsity=0.9", "activation=gelu"))
    animation: Any = gram_animation(results)
    animation._init_draw()  # or it warns that it was never shown
    (title,) = (axis.get_title() for axis in animation._fig.axes if axis.get_title())
    assert title == "GELU, S = 0.9\n$W^T W$ after 0 steps"


def test_large_models_keep_no_snapshots(make_run, train_runs):
    (results,) = train_runs(make_run("n_features=60", "n_hidden=10", "steps=2"))
    assert "training_W" not in results
