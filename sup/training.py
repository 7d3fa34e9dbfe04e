"""From runs to results: trains each stack in one `Trainer.fit`, on any kind of device."""

import functools
import logging
import os
import sys
import warnings
from collections.abc import Sequence

import lightning.pytorch as pl
from hydra.utils import instantiate
from lightning.pytorch.callbacks import Checkpoint

from sup import checkpoints, objective, restart
from sup.clusters import Placement
from sup.loggers import open_loggers
from sup.memory import keep_freed_memory
from sup.results import load_run
from sup.run import Run
from sup.stack import Stack, stacks_of, training_settings
from sup.summary import report


def train(runs: Sequence[Run], placement: Placement | None = None) -> list[float | None]:
    """Train runs, as few stacks as their settings allow, and report on them.

    Args:
        runs: which.
        placement: has the stacks trained elsewhere; None: they are trained here, one by one.

    Returns:
        The objective of each run, in the order of `runs`; see `sup.objective`.
    """
    waiting = [run for run in runs if not restart.is_finished(run.directory, run.config)]
    if finished := len(runs) - len(waiting):
        print(f"{finished} of {len(runs)} runs finished before")
    stacks = stacks_of(waiting)
    if len(stacks) > 1:
        instances = sum(stack.size for stack in stacks)
        print(f"{len(waiting)} runs, {instances} instances, {len(stacks)} stacks")
    if placement is None:
        for stack in stacks:
            work(stack)
    else:
        for reason in filter(None, placement(stacks, work)):
            print(f"error: a stack was not trained: {reason}", file=sys.stderr)
    results = [load_run(run.directory) for run in runs]
    report(runs, results)
    return [
        objective.value(result, run.config.objective)
        for run, result in zip(runs, results, strict=True)
    ]


def work(stack: Stack) -> None:
    """Train one stack in whatever process this is."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    keep_freed_memory()
    train_stack(stack)


def train_stack(stack: Stack) -> None:
    """Train the runs of one stack; its callbacks write and log their results."""
    config = stack.config
    if config.n_hidden > config.n_features:
        print(
            f"warning: n_hidden={config.n_hidden} exceeds n_features={config.n_features}: "
            "every feature can have a dimension of its own",
            file=sys.stderr,
        )
    with open_loggers(stack.runs) as loggers:
        callbacks = make_callbacks(stack, loggers)
        trainer: pl.Trainer = instantiate(
            config.trainer,
            callbacks=callbacks,
            logger=False,  # each run has its own
            # Left to itself, Lightning would add a ModelCheckpoint where the config has none.
            enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            max_epochs=1,
        )
        if config.resume:
            checkpoint = checkpoints.find(config.resume, training_settings(config), stack.instances)
        elif checkpoint := restart.interrupted(stack):
            print(f"going on from {os.path.relpath(checkpoint)}")
        with warnings.catch_warnings():
            # Lightning 2.6.6 calls what torch 2.13 deprecates; nothing that a user could mend.
            warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
            trainer.fit(
                stack.module(trainer.strategy.root_device), stack.data(), ckpt_path=checkpoint
            )


def make_callbacks(stack: Stack, loggers: dict) -> list[pl.Callback]:
    """Instantiate the config's callbacks; a partial one is given the stack and its loggers."""
    callbacks = [instantiate(node) for node in stack.config.callbacks.values() if node is not None]
    return [
        callback(stack=stack, loggers=loggers)
        if isinstance(callback, functools.partial)
        else callback
        for callback in callbacks
    ]
