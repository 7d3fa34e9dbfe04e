"""A stack: the runs that are trained together in one tensor and one `Trainer.fit`."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sup.config.grid import own_rates
from sup.config.identity import training_key
from sup.config.options import part_of
from sup.config.run import Run
from sup.config.settings import Settings
from sup.config.trainer import is_double
from sup.model.activations import StackedActivation
from sup.model.autoencoder import StackedAutoencoder
from sup.model.building import activation_of, call_part, column, structure_of
from sup.model.data import AnyInputs, drawn, held_out, words_of
from sup.model.drawn import DrawnInputs
from sup.model.initialisation import initial_weights
from sup.model.inputs import Draws, Purpose
from sup.model.structure import Plain, Tied, Untied, is_noisy
from sup.model.variants import Variant
from sup.training.recipe import Recipe
from sup.training.slice import InputKey, Slice, own_fields

if TYPE_CHECKING:  # Lightning takes seconds to import, and checks of settings do without
    from sup.training.data import WordsDataModule
    from sup.training.module import SuperpositionModule


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
    def dtype(self) -> torch.dtype:
        """What weights, inputs and gradients are: float32 unless the settings say float64."""
        return torch.float64 if is_double(self.settings) else torch.float32

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

    def initial_weights(self) -> Tensor:
        """Return W before training, ``[instance, hidden, feature]``, in float64."""
        return self._begun(Purpose.INITIAL_WEIGHTS, [part.start.W for part in self.slices])

    def initial_decoder(self) -> Tensor:
        """Return a decoder before training, ``[instance, hidden, feature]``, in float64."""
        return self._begun(Purpose.INITIAL_DECODER, [part.start.decoder for part in self.slices])

    def initial_biases(self) -> Tensor:
        """Return b before training, ``[instance, feature]``, in float64."""
        n = self.settings.n_features
        zero = [torch.zeros(len(part.places), n, dtype=torch.float64) for part in self.slices]
        starts = [part.start.b for part in self.slices]
        return self.arranged([z if b is None else b for b, z in zip(starts, zero, strict=True)])

    def _begun(self, purpose: Purpose, given: Sequence[Tensor | None]) -> Tensor:
        """Return what each slice gives, or draws of its standard deviation.

        Drawn on the CPU, so that it is the same on every device.
        """
        n, m = self.settings.n_features, self.settings.n_hidden
        draws = Draws(self.seeds, (m, n), torch.device("cpu")).normal(purpose, 0)
        each = []
        for part, held in zip(self.slices, given, strict=True):
            seeds = [self.seeds.index(seed) for seed, _ in part.inputs]
            each.append(initial_weights(draws[seeds], part.start.std) if held is None else held)
        return self.arranged(each)

    def activation(self, device: torch.device) -> StackedActivation:
        """Build the activations of the instances."""
        start, blocks = 0, []
        for block in self.blocks:
            count = sum(len(part.places) for part in block)
            points = [part.points[k] for part, k in self.order[start : start + count]]
            activation = block[0].run.settings.activation
            blocks.append((activation_of(activation, points, device, self.dtype), count))
            start += count
        return StackedActivation(blocks)

    @cached_property
    def group_index(self) -> Tensor:
        """Which of `inputs` each instance looks at, ``[instance]``."""
        place = {key: index for index, key in enumerate(self.inputs)}
        return torch.tensor([place[part.inputs[k]] for part, k in self.order])

    def input_maker(self) -> AnyInputs:
        """Build what makes the inputs of a step."""
        seed_index = torch.tensor([self.seeds.index(seed) for seed, _ in self.inputs])
        own = [row for _, row in self.inputs]
        return drawn(self.settings, own, seed_index, self.group_index, self.dtype)

    def held_out_maker(self) -> DrawnInputs:
        """Build what makes held-out inputs, of whatever kind those of a step are."""
        own = [part.inputs[k][1] for part, k in self.order]
        return held_out(self.settings, own, self.dtype)

    def columns(self, group: str, names: Iterable[str]) -> dict[str, Tensor]:
        """Return some axis settings of a part, ``[instance]`` each, in float64."""
        return {
            name: self.arranged([column(part.points, f"{group}.{name}") for part in self.slices])
            for name in names
        }

    def optimizer(self) -> Callable[..., torch.optim.Optimizer]:
        """Return what makes the optimizer from the parameters."""
        columns = self.columns("optimizer", own_rates(self.settings))
        return self.settings.optimizer.changed(**columns).make

    @cached_property
    def structure(self) -> Plain | Tied:
        """What the models are made of; numbers that are axes are ``[instance]``, in float64."""
        return structure_of(self.settings.model, [part.points[k] for part, k in self.order])

    def models(self, device: torch.device) -> StackedAutoencoder:
        """Build the models, with their initial weights."""
        weights, activation = self.initial_weights().to(self.dtype), self.activation(device)
        structure, (point, *_) = self.structure, self.slices[0].points
        models = StackedAutoencoder(weights, activation)
        if not isinstance(structure, Plain):
            name = structure.hidden_activation
            hidden = activation_of(part_of("activation", name), [point], device, self.dtype)
            is_untied = isinstance(structure, Untied)
            decoder = self.initial_decoder().to(self.dtype) if is_untied else None
            models = Variant(weights, decoder, activation, hidden, structure)
        models.b.data.copy_(self.initial_biases())
        return models

    def recipe(self, threads: int) -> Recipe:
        """Return how the models are trained, by a number of threads."""
        settings, trainer = self.settings, self.settings.trainer.parameters
        return Recipe(
            steps=settings.steps,
            optimizer=self.optimizer(),
            scheduler=settings.part("scheduler").make,
            engine=settings.engine,
            clip=trainer.get("gradient_clip_val"),
            clip_kind=trainer.get("gradient_clip_algorithm"),
            threads=threads,
        )

    def module(self, device: torch.device, threads: int = 1) -> "SuperpositionModule":
        """Build the models, ready to be trained on `device`, by a number of the CPU's threads."""
        from sup.training.module import SuperpositionModule

        return SuperpositionModule(
            autoencoder=self.models(device),
            inputs=self.input_maker(),
            importance=self.importance.to(self.dtype),
            recipe=self.recipe(threads),
            shared=training_key(self.settings),
            instances=self.keys,
        ).to(device)

    @property
    def rows(self) -> int:
        """Random words of a sample."""
        return words_of(self.settings) + self.settings.n_hidden * is_noisy(self.structure)

    def data(self) -> "WordsDataModule":
        """Build the source of its data."""
        from sup.training.data import WordsDataModule

        settings, size = self.settings, self.settings.dataset_size
        # Quadrature looks at no sample.
        batch = settings.batch_size if settings.data == "sampled" else 1
        batch = min(batch, size or batch)
        return WordsDataModule(self.seeds, self.rows, batch, settings.steps, size and size // batch)
