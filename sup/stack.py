"""A stack: the runs that are trained together in one tensor and one `Trainer.fit`."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from torch import Tensor

from sup.autoencoder import StackedAutoencoder
from sup.data import UniformsDataModule
from sup.features import Draws, Purpose
from sup.grid import Grid, as_dict
from sup.initialisation import initial_weights
from sup.module import Origin, SuperpositionModule
from sup.parts import call_part, instance_column, stacked_activation
from sup.run import Run

OWN = ("activation", "importance", "init", "sparsity", "seed", "name", "tags", "logger")
"""Settings in which the runs of one stack may differ. In any other they must agree."""


AROUND = ("callbacks", "trainer", "resume")
"""Settings that runs of one stack share, but that do not decide what is learned."""


def _settings_but(config: Any, left_out: tuple[str, ...]) -> str:
    kept = {key: value for key, value in as_dict(config).items() if key not in left_out}
    return json.dumps(kept, sort_keys=True)


def shared_settings(config: Any) -> str:
    """Return the settings that a run must share with the others of its stack, as JSON."""
    return _settings_but(config, OWN)


def training_settings(config: Any) -> str:
    """Return the shared settings that decide what is learned, as JSON."""
    return _settings_but(config, OWN + AROUND)


def instance_settings(config: Any) -> list[str]:
    """Return each instance's own settings, as JSON: with the shared ones, all that decides it."""
    settings = as_dict(config)
    instances = []
    for point in Grid.of(config).points:
        own: dict[str, Any] = {part: dict(settings[part]) for part in OWN[:3]}
        for key, value in point.items():
            part, _, name = key.partition(".")
            if name:
                own[part][name] = float(value)
            else:
                own[key] = float(value)
        instances.append(json.dumps(own, sort_keys=True))
    return instances


@dataclass(frozen=True)
class Stack:
    """Runs that agree in all their shared settings.

    Args:
        runs: in the order of their instances in the tensors.
        index: the place of this stack among those of its sweep.
    """

    runs: tuple[Run, ...]
    index: int = 0

    @property
    def config(self) -> Any:
        """A config to read shared settings from."""
        return self.runs[0].config

    @property
    def size(self) -> int:
        """The number of instances."""
        return sum(run.grid.size for run in self.runs)

    @cached_property
    def slices(self) -> list[tuple[Run, slice]]:
        """Each run with the place of its instances in the tensors."""
        ends = torch.tensor([run.grid.size for run in self.runs]).cumsum(0).tolist()
        return [
            (run, slice(end - run.grid.size, end)) for run, end in zip(self.runs, ends, strict=True)
        ]

    @cached_property
    def instances(self) -> tuple[str, ...]:
        """Each instance's own settings, as JSON."""
        return tuple(one for run in self.runs for one in instance_settings(run.config))

    @property
    def checkpoint(self) -> Path:
        """Where this stack's checkpoint is kept: in the directory that its runs have in common."""
        home = Path(os.path.commonpath([run.directory for run in self.runs]))
        return home / "checkpoints" / f"stack-{self.index}.ckpt"

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The distinct seeds."""
        return tuple(sorted({int(seed) for run in self.runs for seed in run.grid.column("seed")}))

    @property
    def seed_index(self) -> Tensor:
        """Which of `seeds` each instance has, ``[instance]``."""
        place = {seed: index for index, seed in enumerate(self.seeds)}
        return torch.tensor(
            [place[int(seed)] for run in self.runs for seed in run.grid.column("seed")]
        )

    @property
    def density(self) -> Tensor:
        """``p = 1 - S`` of each instance, ``[instance]``, in float64."""
        return 1 - torch.cat([instance_column(run.grid, "sparsity") for run in self.runs])

    @property
    def importance(self) -> Tensor:
        """``I_i`` of each instance, ``[instance, feature]``, in float64."""
        n = self.config.n_features
        return torch.cat(
            [
                call_part(run.config.importance, "importance", run.grid, n_features=n)
                for run in self.runs
            ]
        )

    @property
    def initial_weights(self) -> Tensor:
        """W before training, ``[instance, hidden, feature]``.

        Drawn on the CPU, so that it is the same on every device.
        """
        n, m = self.config.n_features, self.config.n_hidden
        draws = Draws(self.seeds, (m, n), torch.device("cpu")).normal(Purpose.INITIAL_WEIGHTS, 0)
        std = torch.cat(
            [
                call_part(run.config.init, "init", run.grid, n_features=n, n_hidden=m)
                for run in self.runs
            ]
        )
        return initial_weights(draws[self.seed_index], std)

    def module(self, device: torch.device) -> SuperpositionModule:
        """Build the models, ready to be trained on `device`."""
        activation = stacked_activation(
            [(run.config.activation, run.grid) for run in self.runs], device
        )
        return SuperpositionModule(
            autoencoder=StackedAutoencoder(self.initial_weights, activation),
            density=self.density.float(),
            importance=self.importance.float(),
            seed_index=self.seed_index,
            steps=self.config.steps,
            optimizer=instantiate(self.config.optimizer),
            scheduler=instantiate(self.config.scheduler),
            origin=Origin(shared=training_settings(self.config), instances=self.instances),
        ).to(device)

    def data(self) -> UniformsDataModule:
        """Build the source of its data."""
        return UniformsDataModule(
            self.seeds, self.config.n_features, self.config.batch_size, self.config.steps
        )


def stacks_of(runs: Sequence[Run]) -> list[Stack]:
    """Group runs that share all but their own settings; runs of equal activations adjoin."""
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        group = groups.setdefault(shared_settings(run.config), {})
        group.setdefault(json.dumps(as_dict(run.config.activation)), []).append(run)
    return [
        Stack(tuple(run for alike in group.values() for run in alike), index)
        for index, group in enumerate(groups.values())
    ]
