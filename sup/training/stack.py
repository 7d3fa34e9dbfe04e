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

from sup.config.grid import Grid, as_dict, own_optimizer_settings
from sup.config.run import Run
from sup.model.activations import StackedActivation
from sup.model.autoencoder import StackedAutoencoder
from sup.model.building import activation_of, call_part, instance_column
from sup.model.initialisation import initial_weights
from sup.model.inputs import Draws, Inputs, Purpose
from sup.model.quadrature import QuadratureInputs
from sup.training.data import UniformsDataModule
from sup.training.module import Origin, SuperpositionModule

OWN = ("activation", "importance", "init", "sparsity", "seed", "name", "tags", "logger")
"""Settings in which the runs of one stack may differ, beside the optimizer's axis settings. In any
other they must agree."""

AROUND = ("callbacks", "resume", "stack", "objective")
"""Settings that runs of one stack share, but that do not decide what is learned; like these, the
devices to train on."""


def _settings_but(config: Any, left_out: tuple[str, ...]) -> str:
    kept = {key: value for key, value in as_dict(config).items() if key not in left_out}
    for name in own_optimizer_settings(config):
        kept["optimizer"].pop(name)
    return json.dumps(_plainest(kept), sort_keys=True)


def _plainest(value: Any) -> Any:
    """Return the one of all ways to write a setting: 1 for 1.0, nothing for null."""
    if isinstance(value, dict):
        plain = {key: _plainest(one) for key, one in value.items()}
        return {key: one for key, one in plain.items() if one is not None and one != {}}
    if isinstance(value, list):
        return [_plainest(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def shared_settings(config: Any) -> str:
    """Return the settings that a run must share with the others of its stack, as JSON."""
    return _settings_but(config, OWN)


def training_settings(config: Any) -> str:
    """Return the shared settings that decide what is learned, as JSON."""
    settings = json.loads(_settings_but(config, OWN + AROUND))
    for name in ("accelerator", "devices", "strategy"):
        settings["trainer"].pop(name, None)
    return json.dumps(settings, sort_keys=True)


def instance_settings(config: Any) -> list[str]:
    """Return each instance's own settings, as JSON: with the shared ones, all that decides it."""
    settings = as_dict(config)
    instances = []
    for point in Grid.of(config).points:
        own: dict[str, Any] = {part: dict(settings[part]) for part in OWN[:3]}
        for key, value in point.items():
            part, _, name = key.partition(".")
            if name:
                own.setdefault(part, {})[name] = float(value)
            else:
                own[key] = int(value) if key == "seed" else float(value)
        instances.append(json.dumps(own, sort_keys=True))
    return instances


@dataclass(frozen=True)
class Stack:
    """Runs that agree in all their shared settings.

    In the tensors, instances of one activation stand together, and among them those that look at
    the same inputs; `places` tells where each run's instances are.

    Args:
        runs: in the order of their jobs.
    """

    runs: tuple[Run, ...]

    @property
    def config(self) -> Any:
        """A config to read shared settings from."""
        return self.runs[0].config

    @property
    def size(self) -> int:
        """The number of instances."""
        return sum(run.grid.size for run in self.runs)

    @cached_property
    def blocks(self) -> list[list[Run]]:
        """The runs, those of one activation together; one that varies within a run is its own."""
        blocks: dict[str, list[Run]] = {}
        for index, run in enumerate(self.runs):
            key = json.dumps(as_dict(run.config.activation), sort_keys=True)
            varies = any(axis.startswith("activation.") for axis in run.grid.axes)
            blocks.setdefault(f"{index} {key}" if varies else key, []).append(run)
        return list(blocks.values())

    @cached_property
    def inputs(self) -> list[tuple[int, float]]:
        """The distinct (seed, sparsity): instances that agree in them look at the same input."""
        return sorted({pair for run in self.runs for pair in input_pairs(run)})

    @cached_property
    def order(self) -> list[tuple[Run, int]]:
        """Every instance in the order of the tensors, as a run and a point of its grid."""
        place = {pair: index for index, pair in enumerate(self.inputs)}
        return [
            member
            for block in self.blocks
            for _, member in sorted(
                (
                    (place[pair], (run, point))
                    for run in block
                    for point, pair in enumerate(input_pairs(run))
                ),
                key=lambda item: item[0],
            )
        ]

    @cached_property
    def places(self) -> list[tuple[Run, Tensor]]:
        """Each run with the places of its instances in the tensors, in the order of its grid."""
        found = {member: place for place, member in enumerate(self.order)}
        return [
            (run, torch.tensor([found[run, point] for point in range(run.grid.size)]))
            for run in self.runs
        ]

    def arranged(self, columns: Sequence[Tensor]) -> Tensor:
        """Put what each run says of its instances in the order of the tensors.

        Args:
            columns: for each run, ``[instance, ...]`` in the order of its grid.
        """
        joined = torch.cat(list(columns))
        result = torch.empty_like(joined)
        result[torch.cat([place for _, place in self.places])] = joined
        return result

    @property
    def title(self) -> str:
        """What there is in it, for people."""
        runs = len(self.runs)
        return f"{runs} run{'s' * (runs > 1)}, {self.size} instance{'s' * (self.size > 1)}"

    @property
    def checkpoint(self) -> Path:
        """Where this stack's checkpoint is kept: in the directory that its runs have in common.

        It is named after the first and the last of its runs, so that the halves of a stack do not
        overwrite the checkpoint that they go on from.
        """
        home = Path(os.path.commonpath([run.directory for run in self.runs]))
        ends = (self.runs[0].directory, self.runs[-1].directory)
        names = [".".join(end.relative_to(home).parts) for end in ends]
        name = "stack" if len(self.runs) == 1 else f"stack-{names[0]}-to-{names[1]}"
        return home / "checkpoints" / f"{name}.ckpt"

    @cached_property
    def instances(self) -> tuple[str, ...]:
        """Each instance's own settings, as JSON."""
        described = {run: instance_settings(run.config) for run in self.runs}
        return tuple(described[run][point] for run, point in self.order)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The distinct seeds."""
        return tuple(sorted({seed for seed, _ in self.inputs}))

    @property
    def importance(self) -> Tensor:
        """``I_i`` of each instance, ``[instance, feature]``, in float64."""
        n = self.config.n_features
        return self.arranged(
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
        std = self.arranged(
            [
                call_part(run.config.init, "init", run.grid, n_features=n, n_hidden=m)
                for run in self.runs
            ]
        )
        seeds = [run.grid.points[point]["seed"] for run, point in self.order]
        return initial_weights(draws[[self.seeds.index(int(seed)) for seed in seeds]], std)

    def activation(self, device: torch.device) -> StackedActivation:
        """Build the activations of the instances."""
        start, blocks = 0, []
        for runs in self.blocks:
            count = sum(run.grid.size for run in runs)
            points = [run.grid.points[point] for run, point in self.order[start : start + count]]
            blocks.append((activation_of(runs[0].config.activation, points, device), count))
            start += count
        return StackedActivation(blocks)

    @cached_property
    def group_index(self) -> Tensor:
        """Which of `inputs` each instance looks at, ``[instance]``."""
        place = {pair: index for index, pair in enumerate(self.inputs)}
        pairs = {run: input_pairs(run) for run in self.runs}
        return torch.tensor([place[pairs[run][point]] for run, point in self.order])

    def input_maker(self) -> Inputs | QuadratureInputs:
        """Build what makes the inputs of a step."""
        density = torch.tensor([1 - sparsity for _, sparsity in self.inputs])
        if self.config.data == "quadrature":
            return QuadratureInputs(self.config.n_features, density[self.group_index])
        seed_index = torch.tensor([self.seeds.index(seed) for seed, _ in self.inputs])
        return Inputs(seed_index, density, self.group_index)

    def optimizer(self, device: torch.device) -> Any:
        """Return what makes the optimizer from the parameters."""
        columns = {
            name: self.arranged(
                [instance_column(run.grid, f"optimizer.{name}") for run in self.runs]
            ).to(device, torch.float32)
            for name in own_optimizer_settings(self.config)
        }
        fields = {k: v for k, v in as_dict(self.config.optimizer).items() if k not in columns}
        make = instantiate(fields)
        return lambda parameters: make(parameters, **columns)

    def module(self, device: torch.device) -> SuperpositionModule:
        """Build the models, ready to be trained on `device`."""
        return SuperpositionModule(
            autoencoder=StackedAutoencoder(self.initial_weights, self.activation(device)),
            inputs=self.input_maker(),
            importance=self.importance.float(),
            steps=self.config.steps,
            optimizer=self.optimizer(device),
            scheduler=instantiate(self.config.scheduler),
            engine=self.config.engine,
            origin=Origin(shared=training_settings(self.config), instances=self.instances),
        ).to(device)

    def data(self) -> UniformsDataModule:
        """Build the source of its data."""
        return UniformsDataModule(
            self.seeds, self.config.n_features, self.config.batch_size, self.config.steps
        )


def input_pairs(run: Run) -> list[tuple[int, float]]:
    """Return the (seed, sparsity) of each instance of a run."""
    seeds, sparsities = run.grid.column("seed"), run.grid.column("sparsity")
    return [(int(seed), float(sparsity)) for seed, sparsity in zip(seeds, sparsities, strict=True)]


def stacks_of(runs: Sequence[Run]) -> list[Stack]:
    """Group runs that share all but their own settings."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(shared_settings(run.config), []).append(run)
    return [Stack(tuple(group)) for group in groups.values()]
