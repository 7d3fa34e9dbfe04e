"""A stack: the runs that are trained together in one tensor and one `Trainer.fit`."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sup.config.grid import Number, own_rates
from sup.config.identity import instance_keys, training_key
from sup.config.run import Run
from sup.config.settings import Settings
from sup.model.activations import StackedActivation
from sup.model.autoencoder import StackedAutoencoder
from sup.model.building import activation_of, call_part, column
from sup.model.initialisation import initial_weights
from sup.model.inputs import Draws, Inputs, Purpose
from sup.model.quadrature import QuadratureInputs
from sup.training.data import UniformsDataModule
from sup.training.module import SuperpositionModule

InputKey = tuple[int, tuple[float, ...]]
"""What decides an input: the seed, and the sparsity of each feature (or one for all)."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Instances of one run that are trained together: all, or some where the run is too large.

    Args:
        run: whose instances they are.
        places: where they stand in the run's grid, its last axis varying fastest.
    """

    run: Run
    places: range

    def __getstate__(self) -> dict[str, Any]:
        return own_fields(self)

    @property
    def is_whole(self) -> bool:
        """Whether these are all of the run's instances."""
        return len(self.places) == self.run.size

    @cached_property
    def points(self) -> list[dict[str, Number]]:
        """The settings of each instance, by key."""
        return self.run.settings.grid.points[self.places.start : self.places.stop]

    @cached_property
    def keys(self) -> list[str]:
        """Each instance's own settings, as JSON."""
        return instance_keys(self.run.settings)[self.places.start : self.places.stop]

    @cached_property
    def sparsity(self) -> Tensor:
        """The probability that a feature is zero, ``[instance, feature]``, in float64."""
        settings = self.run.settings
        given: dict[str, Any] = {"n_features": settings.n_features}
        if settings.sparsity is not None:
            given["sparsity"] = column(self.points, "sparsity")[:, None]
        return call_part(settings.features, "features", self.points, **given)

    @cached_property
    def inputs(self) -> list[InputKey]:
        """What decides the input of each instance."""
        rows = [tuple(row) for row in self.sparsity.tolist()]
        seeds = [int(point["seed"]) for point in self.points]
        return list(zip(seeds, rows, strict=True))


@dataclass(frozen=True)
class Stack:
    """Runs, or slices of runs, that agree in all their shared settings.

    In the tensors, instances of one activation stand together, and among them those that look at
    the same inputs; `places` tells where each slice's instances are.

    Args:
        slices: in the order of their runs.
    """

    slices: tuple[Slice, ...]

    def __getstate__(self) -> dict[str, Any]:
        return own_fields(self)

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "Stack":
        """Put whole runs into a stack."""
        return cls(tuple(Slice(run, range(run.size)) for run in runs))

    @property
    def settings(self) -> Settings:
        """Settings to read shared ones from."""
        return self.slices[0].run.settings

    @property
    def runs(self) -> list[Run]:
        """The runs of which it holds slices."""
        return list(dict.fromkeys(part.run for part in self.slices))

    @property
    def size(self) -> int:
        """The number of instances."""
        return sum(len(part.places) for part in self.slices)

    @property
    def title(self) -> str:
        """What there is in it, for people."""
        runs = len(self.runs)
        return f"{runs} run{'s' * (runs > 1)}, {self.size} instance{'s' * (self.size > 1)}"

    @cached_property
    def blocks(self) -> list[list[Slice]]:
        """The slices, those of one activation together; one that varies within a run is its own."""
        blocks: list[list[Slice]] = []
        for part in self.slices:
            settings = part.run.settings
            varies = any(axis.startswith("activation.") for axis in settings.grid.axes)
            alike = [
                block
                for block in blocks
                if block[0].run.settings.activation == settings.activation and not varies
            ]
            if alike:
                alike[0].append(part)
            else:
                blocks.append([part])
        return blocks

    @cached_property
    def inputs(self) -> list[InputKey]:
        """The distinct inputs: instances that agree in what decides it look at the same one."""
        return sorted({key for part in self.slices for key in part.inputs})

    @cached_property
    def order(self) -> list[tuple[Slice, int]]:
        """Every instance in the order of the tensors, as a slice and a place in it."""
        place = {key: index for index, key in enumerate(self.inputs)}
        ordered = []
        for block in self.blocks:
            members = [(part, k) for part in block for k in range(len(part.places))]
            ordered += sorted(members, key=lambda member: place[member[0].inputs[member[1]]])
        return ordered

    @cached_property
    def places(self) -> list[tuple[Slice, Tensor]]:
        """Each slice with the places of its instances in the tensors."""
        found = {member: place for place, member in enumerate(self.order)}
        return [
            (part, torch.tensor([found[part, k] for k in range(len(part.places))]))
            for part in self.slices
        ]

    def arranged(self, columns: Sequence[Tensor]) -> Tensor:
        """Put what each slice says of its instances in the order of the tensors.

        Args:
            columns: for each slice, ``[instance, ...]`` in its own order.
        """
        joined = torch.cat(list(columns))
        result = torch.empty_like(joined)
        result[torch.cat([place for _, place in self.places])] = joined
        return result

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Each instance's own settings, as JSON."""
        return tuple(part.keys[k] for part, k in self.order)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The distinct seeds."""
        return tuple(sorted({seed for seed, _ in self.inputs}))

    @property
    def checkpoint(self) -> Path | None:
        """Where its checkpoint is kept: in the directory that its runs have in common.

        It is named after its instances, so that the halves of a stack do not overwrite the
        checkpoint that they go on from. None where its runs write nothing.
        """
        directories = [run.directory for run in self.runs if run.directory]
        if not directories:
            return None
        home = Path(os.path.commonpath(directories))
        name = hashlib.sha1("\n".join(sorted(self.keys)).encode()).hexdigest()[:12]
        return home / "checkpoints" / f"stack-{name}.ckpt"

    @property
    def importance(self) -> Tensor:
        """``I_i`` of each instance, ``[instance, feature]``, in float64."""
        n = self.settings.n_features
        rows = [
            call_part(part.run.settings.importance, "importance", part.points, n_features=n)
            for part in self.slices
        ]
        return self.arranged(rows)

    @property
    def initial_weights(self) -> Tensor:
        """W before training, ``[instance, hidden, feature]``.

        Drawn on the CPU, so that it is the same on every device.
        """
        n, m = self.settings.n_features, self.settings.n_hidden
        draws = Draws(self.seeds, (m, n), torch.device("cpu")).normal(Purpose.INITIAL_WEIGHTS, 0)
        std = [
            call_part(part.run.settings.init, "init", part.points, n_features=n, n_hidden=m)
            for part in self.slices
        ]
        seeds = [self.seeds.index(part.inputs[k][0]) for part, k in self.order]
        return initial_weights(draws[seeds], self.arranged(std))

    def activation(self, device: torch.device) -> StackedActivation:
        """Build the activations of the instances."""
        start, blocks = 0, []
        for block in self.blocks:
            count = sum(len(part.places) for part in block)
            points = [part.points[k] for part, k in self.order[start : start + count]]
            activation = block[0].run.settings.activation
            blocks.append((activation_of(activation, points, device), count))
            start += count
        return StackedActivation(blocks)

    @cached_property
    def group_index(self) -> Tensor:
        """Which of `inputs` each instance looks at, ``[instance]``."""
        place = {key: index for index, key in enumerate(self.inputs)}
        return torch.tensor([place[part.inputs[k]] for part, k in self.order])

    def input_maker(self) -> Inputs | QuadratureInputs:
        """Build what makes the inputs of a step."""
        sparsity = torch.tensor([row for _, row in self.inputs], dtype=torch.float64)
        density = (1 - sparsity).float()
        if self.settings.data == "quadrature":
            return QuadratureInputs(self.settings.n_features, density[self.group_index])
        seed_index = torch.tensor([self.seeds.index(seed) for seed, _ in self.inputs])
        return Inputs(seed_index, density, self.group_index)

    def optimizer(self, device: torch.device) -> Any:
        """Return what makes the optimizer from the parameters."""
        columns = {
            name: self.arranged(
                [column(part.points, f"optimizer.{name}") for part in self.slices]
            ).to(device, torch.float32)
            for name in own_rates(self.settings)
        }
        part = self.settings.optimizer
        return lambda parameters: part.changed(**columns).make(parameters)

    def module(self, device: torch.device) -> SuperpositionModule:
        """Build the models, ready to be trained on `device`."""
        settings = self.settings
        return SuperpositionModule(
            autoencoder=StackedAutoencoder(self.initial_weights, self.activation(device)),
            inputs=self.input_maker(),
            importance=self.importance.float(),
            steps=settings.steps,
            optimizer=self.optimizer(device),
            scheduler=settings.part("scheduler").make,
            engine=settings.engine,
            shared=training_key(settings),
            instances=self.keys,
        ).to(device)

    def data(self) -> UniformsDataModule:
        """Build the source of its data."""
        settings = self.settings
        return UniformsDataModule(
            self.seeds, settings.n_features, settings.batch_size, settings.steps
        )


def own_fields(held: Any) -> dict[str, Any]:
    """Return what is to be pickled of a dataclass: not what it has worked out and kept.

    Those are tensors for each run, and a tensor that goes to another process is an open file.
    """
    return {one.name: getattr(held, one.name) for one in fields(held)}
