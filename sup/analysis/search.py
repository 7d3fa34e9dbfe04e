"""Many minimisations of the population loss at once: cells, each from every start.

Coarse nodes tell the good starts from the others; fine ones have the last word, and where these do
not agree with finer ones on a cell, these have it. The loss of what was found is then integrated as
that of any trained model is (`sup.model.refined`).
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sup.analysis.candidates import starts
from sup.analysis.minimise import minimise
from sup.model.population import Population
from sup.model.refined import refined_error

FIRST, KEPT = 20, 6
"""Iterations from every start, and how many that differ are then gone on with."""

MOST = 200
"""Iterations of those, at the most; they take some 20."""

SAME = 1e-7
"""Difference of two losses, relative as all here, below which they are of one model."""

MOST_SEARCHED = 2**15
"""Nodes of an output up to which a search goes on by finer ones."""

ROUGH, EXACT = 1e-9, 1e-13
"""Promised decrease of the loss at which a search by coarse nodes ends, and one by fine ones."""


@dataclass(frozen=True)
class Search:
    """Cells whose best models are wanted; the parameters of one are W, row by row, and then b.

    Args:
        population: integrates the loss.
        n_hidden: m, at most the number of features.
        density: p of each feature.
        importance: ``I_i``.
    """

    population: Population
    n_hidden: int
    density: Float[Tensor, "cell feature"]
    importance: Float[Tensor, "cell feature"]

    def best(self) -> tuple[Float[Tensor, "cell parameter"], Float[Tensor, " cell"]]:
        """Return the best models that were found, and their losses."""
        coarse = replace(self, population=replace(self.population, fine=False))
        n = self.density.shape[-1]
        rough = replace(coarse, population=coarse.population.without_kinks()) if n > 2 else coarse
        first = starts(self.n_hidden, n)
        cell = torch.arange(len(self.density)).repeat_interleave(len(first))
        found = rough.minimised(first.repeat(len(self.density), 1), cell, FIRST, ROUGH)
        point, _, cell = best_of_cells(*found, cell, KEPT)
        found = coarse.minimised(point, cell, MOST, ROUGH)
        point, _, cell = best_of_cells(*found, cell, 1)
        point, value = self.minimised(point, cell, MOST, EXACT)
        point = self.settled(point, value)
        W, b = self.models(point)
        error, _ = refined_error(self.population, W, b, self.density)
        return point, (self.importance * error).sum(-1)

    def settled(
        self, point: Float[Tensor, "cell parameter"], value: Float[Tensor, " cell"]
    ) -> Float[Tensor, "cell parameter"]:
        """Go on by finer nodes where they tell another value of a cell's best model."""
        population, cell = self.population, torch.arange(len(point))
        n = self.density.shape[-1]
        while len(cell) and (finer := population.finer(n)):
            if finer.nodes_of_an_output(n) > MOST_SEARCHED:
                break
            population, by_finer = finer, replace(self, population=finer)
            new, _ = by_finer.values(point[cell], cell)
            cell = cell[(new - value[cell]).abs() > SAME * new]
            point[cell], value[cell] = by_finer.minimised(point[cell], cell, MOST, EXACT)
        return point

    @property
    def scale(self) -> Float[Tensor, " cell"]:
        """The loss of a model of zeros, in which losses are measured; 1 where it is 0."""
        scale = (self.importance * self.density / 3).sum(-1)
        return torch.where(scale > 0, scale, 1.0)

    def models(self, point: Float[Tensor, "problem parameter"]) -> tuple[Tensor, Tensor]:
        """Return weights ``[problem, hidden, feature]`` and biases ``[problem, feature]``."""
        m, n = self.n_hidden, self.density.shape[-1]
        return point[:, : m * n].unflatten(-1, (m, n)), point[:, m * n :]

    def minimised(
        self,
        point: Float[Tensor, "problem parameter"],
        cell: Int[Tensor, " problem"],
        iterations: int,
        tolerance: float,
    ) -> tuple[Float[Tensor, "problem parameter"], Float[Tensor, " problem"]]:
        """Return better points of problems that are each of some cell, and relative losses."""

        def function(point: Tensor, problem: Tensor) -> tuple[Tensor, Tensor]:
            return self.values(point, cell[problem])

        return minimise(function, point, iterations, tolerance)

    def values(
        self, point: Float[Tensor, "problem parameter"], cell: Int[Tensor, " problem"]
    ) -> tuple[Float[Tensor, " problem"], Float[Tensor, "problem parameter"]]:
        """Return relative losses of problems that are each of some cell, and their gradients."""
        (W, b), scale = self.models(point), self.scale[cell]
        given = (W, b, self.density[cell], self.importance[cell])
        loss, dW, db = self.population.loss_and_gradient(*given)
        return loss / scale, torch.cat([dW.flatten(1), db], -1) / scale[:, None]


def best_of_cells(
    point: Float[Tensor, "problem parameter"],
    value: Float[Tensor, " problem"],
    cell: Int[Tensor, " problem"],
    count: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Keep so many points of each cell, the best first: those that differ in their values.

    Args:
        point: equally many of each cell, which stand together.
        value: of each, not a number where there is none.
        cell: of each.
        count: at most as many as there are.
    """
    cells = int(cell[-1]) + 1
    values, order = value.nan_to_num(nan=torch.inf).view(cells, -1).sort(dim=-1, stable=True)
    again = torch.zeros_like(values, dtype=torch.bool)
    again[:, 1:] = values.diff() < SAME
    distinct = again.sort(dim=-1, stable=True).indices[:, :count]
    start = order.shape[1] * torch.arange(cells)[:, None]
    chosen = (order.gather(1, distinct) + start).flatten()
    return point[chosen], value[chosen], cell[chosen]
