"""Take the steps of a chunk inside the kernels: gradients, Adam and schedule, many steps a call."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sup.model.inputs import Inputs, Purpose
from sup.training.kernels import in_parts
from sup.training.native.call import Draw, Held, words_in
from sup.training.native.engine import NativeEngine
from sup.training.optimizer import StackedAdam

MOST_WORDS = 2**21
"""Words that are drawn for a call, 8 MB: two such stay in the cache of a processor."""

MOST_WORK = 4e9
"""Multiplications in a call: a tenth of a second on one core, so that signals are soon seen."""


class Words:
    """The words of some steps, drawn ahead of their use.

    Args:
        engine: draws them.
        seeds: the distinct seeds.
        samples: of a step.
    """

    def __init__(self, engine: NativeEngine, seeds: tuple[int, ...], samples: int):
        self.engine = engine
        features = engine.models.W.shape[-1]
        self.size = len(seeds) * words_in(samples, features, engine.block)
        self.steps = range(0)
        self.held = Held(
            Draw(
                seeds=len(seeds),
                features=features,
                samples=samples,
                block=engine.block,
                purpose=int(Purpose.TRAINING),
            )
        )
        self.held.point("seed", np.array(seeds, dtype=np.uint64))
        self.held.point("words", np.zeros(0, np.uint32))

    def drawing(self, steps: range) -> Callable[[], object]:
        """Return the task of drawing the words of some steps."""
        wanted = len(steps) * self.size
        if self.held.arrays["words"].size < wanted:
            self.held.point("words", np.zeros(wanted, np.uint32))
        self.steps = steps
        self.held.structure.first_step, self.held.structure.steps = steps.start, len(steps)
        return self.engine.task("draw", self.held)

    def holds(self, steps: range) -> bool:
        """Tell whether the words of all of some steps are here."""
        return self.steps.start <= steps.start and steps.stop <= self.steps.stop

    def of(self, steps: range) -> np.ndarray:
        """Return the words from the first of some steps on, which must be here."""
        return self.held.arrays["words"][(steps.start - self.steps.start) * self.size :]


class NativeSteps:
    """Trains by kernels that take whole steps.

    Args:
        engine: with the kernels.
        seeds: the distinct seeds.
        samples: of a step.
        last: the number of steps in the whole run.
    """

    def __init__(self, engine: NativeEngine, seeds: tuple[int, ...], samples: int, last: int):
        self.engine = engine
        self.last = last
        self.samples = samples
        K, m, n = engine.models.W.shape
        self.now, self.next = (Words(engine, seeds, samples) for _ in range(2))
        self.draws = isinstance(engine.inputs, Inputs)
        by_words = max(1, MOST_WORDS // self.now.size) if self.draws else 2**20
        summed = samples if self.draws else engine.calls[0].structure.samples
        self.most = max(1, min(by_words, int(MOST_WORK / (5 * K * m * n * summed))))

    def attach(self, optimizer: StackedAdam, loss_sums: Any, diverged_at: Any) -> None:
        """Tell the kernels where weights, moments and losses are."""
        W, b = self.engine.models.W, self.engine.models.b
        start = 0
        for held in self.engine.calls:
            at = slice(start, start + held.structure.models)
            held.point_all({"W": W.data[at], "b": b.data[at]})
            for name, parameter in (("W", W), ("b", b)):
                state = optimizer.state[parameter]
                held.point(f"mean_{name}", state["mean"][at])
                held.point(f"square_{name}", state["square"][at])
            held.point("decay", optimizer.weight_decay[at].float())
            held.point("rate_group", optimizer.group_index[at].int())
            held.point("loss", loss_sums)
            held.structure.loss += 4 * start
            held.point("diverged_at", diverged_at[at])
            beta1, beta2 = optimizer.betas
            held.structure.share1, held.structure.share2 = 1 - beta1, 1 - beta2
            held.structure.beta2, held.structure.eps = beta2, optimizer.eps
            held.structure.rate_groups = len(optimizer.param_groups)
            if self.draws:
                held.structure.samples = self.samples
            start = at.stop
        self.optimizer = optimizer

    def parts(self, steps: range) -> list[range]:
        """Return some steps in parts, each of a call."""
        return in_parts(steps, self.most)

    def take(self, steps: range, scheduler: Any, rows: np.ndarray) -> None:
        """Take some steps, of one part; see `sup.training.kernels.KernelSteps`."""
        rate, mean, square = self.optimizer.scheduled(scheduler, len(steps))
        numbers = {"rate": rate, "mean_bias": mean, "square_bias": square, "row": rows}
        tasks = []
        if self.draws:
            numbers["words"] = self.words(steps)
        for k, held in enumerate(self.engine.calls):
            held.point_all(numbers)
            held.structure.first_step, held.structure.steps = steps.start, len(steps)
            held.structure.seeds = self.now.held.structure.seeds
            tasks.append(self.engine.task("train", held, k))
        ahead = range(steps.stop, min(steps.stop + len(steps), self.last))
        if self.draws and ahead and not self.now.holds(ahead):
            tasks.append(self.next.drawing(ahead))
        self.engine.run(tasks)

    def words(self, steps: range) -> np.ndarray:
        """Return the words of some steps, of which most are drawn already."""
        if not self.now.holds(steps):
            if not self.next.holds(steps):
                self.engine.run([self.next.drawing(steps)])
            self.now, self.next = self.next, self.now
        return self.now.of(steps)
