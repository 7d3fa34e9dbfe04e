"""Other ways to train the same models, each as fast as its style allows."""

import logging
import warnings
from importlib import import_module
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from workloads import Step, Workload


class Notebook:
    """The step of TMS's notebook: [batch, instance, feature], two draws per number, AdamW."""

    def __init__(self, work: Workload, std: float = 0.3):
        K, n, m = work.K, work.n, work.m
        self.batch = work.batch
        self.W = (std * torch.randn(K, n, m)).requires_grad_()
        self.b = torch.zeros(K, n, requires_grad=True)
        self.p = work.density.repeat_interleave(work.members)[:, None]
        self.importance = work.importance
        self.optimizer = torch.optim.AdamW([self.W, self.b], lr=1e-3)

    def __call__(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        shape = (self.batch, *self.b.shape)
        x = torch.where(torch.rand(shape) <= self.p, torch.rand(shape), torch.zeros(()))
        hidden = torch.einsum("...if,ifh->...ih", x, self.W)
        out = torch.relu(torch.einsum("...ih,ifh->...if", hidden, self.W) + self.b)
        (self.importance * (x - out) ** 2).mean(0).sum().div(self.b.shape[1]).backward()
        self.optimizer.step()


def loop(work: Workload) -> Step:
    """Return one step of each model, one model after another; at most 20 of them, scaled up."""
    K, shown = work.K, min(work.K, 20)
    models = []
    for _ in range(shown):
        W = (0.3 * torch.randn(work.m, work.n)).requires_grad_()
        b = torch.zeros(work.n, 1, requires_grad=True)
        models.append((W, b, torch.optim.Adam([W, b], lr=1e-2, fused=True)))
    importance = work.importance[0][:, None]

    def step() -> float:
        for W, b, optimizer in models:
            u = torch.rand(work.n, work.batch)
            x = torch.where(u < 0.1, u / 0.1, 0.0)
            optimizer.zero_grad()
            out = torch.relu(W.T @ (W @ x) + b)
            ((out - x).square() * importance).mean(-1).sum().backward()
            optimizer.step()
        return K / shown

    return step


class Alone(pl.LightningModule):
    """One model, trained as Lightning's tutorials do."""

    def __init__(self, work: Workload, steps: int):
        super().__init__()
        self.work, self.steps = work, steps
        self.W = nn.Parameter(0.3 * torch.randn(work.m, work.n))
        self.b = nn.Parameter(torch.zeros(work.n, 1))

    def training_step(self, u: Tensor, index: int) -> Tensor:
        x = torch.where(u < 0.1, u / 0.1, 0.0)
        out = torch.relu(self.W.T @ (self.W @ x) + self.b)
        loss = ((out - x).square() * self.work.importance[0][:, None]).mean(-1).sum()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-2, fused=True)

    def train_dataloader(self) -> DataLoader:
        draws: Any = [torch.rand(self.work.n, self.work.batch)] * self.steps
        return DataLoader(draws, batch_size=None)


def lightning(work: Workload, steps: int = 300) -> Step:
    """Return a Lightning run of one model: so many of its steps, scaled up to all models."""
    quiet: Any = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    for name in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    model = Alone(work, steps)

    def step() -> float:
        trainer = pl.Trainer(accelerator="cpu", max_epochs=1, enable_model_summary=False, **quiet)
        trainer.fit(model)
        return work.K / steps

    return step


def tms_kit(work: Workload) -> Step | None:
    """Return steps of tms-kit (the extra `bench`), by its own `optimize`; None without it.

    Its data have one density; ours for each model are set in their place, as it allows.
    """
    try:
        kit: Any = import_module("tms_kit.optimize")
    except ImportError:
        return None
    data, loss, model = (import_module(f"tms_kit.{name}") for name in ("data", "loss", "model"))
    import_module("tms_kit.utils.device").set_device("cpu")  # else its data go to a GPU
    toy = kit.TMS()
    p = work.density.repeat_interleave(work.members)[:, None].expand(-1, work.n)
    toy.model = model.Model(work.n, work.K, work.m)
    toy.data_gen = data.IIDFeatureGenerator(work.n, work.K, p)
    toy.loss_calc = loss.ImportanceWeightedLoss(work.n, work.importance)
    steps = 20 if work.K * work.n < 1000 else 3

    def step() -> float:
        kit.optimize(toy, disable_tqdm=True, batch_size=work.batch, steps=steps, lr=1e-2)
        return 1 / steps

    return step


def jax_scan(work: Workload, steps: int = 100) -> Step | None:
    """Return `steps` steps in one jitted scan of JAX (the extra `bench`); None without JAX.

    Batched einsum, one shared draw, Adam: the same as ours, as JAX writes it.
    """
    try:
        jax: Any = import_module("jax")  # an optional extra: types cannot be checked without it
    except ImportError:
        return None
    jnp = jax.numpy
    p = jnp.asarray(work.density.repeat_interleave(work.members).numpy())[:, None, None]
    importance = jnp.asarray(work.importance.numpy())[:, :, None]

    def loss(weights: Any, u: Any) -> Any:
        W, b = weights
        x = jnp.where(u < p, u / p, 0.0)
        out = jax.nn.relu(jnp.einsum("khn,khb->knb", W, jnp.einsum("khn,knb->khb", W, x)) + b)
        return (importance * (out - x) ** 2).mean(-1).sum()

    def update(state: Any, key: Any) -> Any:
        weights, means, squares, count = state
        gradients = jax.grad(loss)(weights, jax.random.uniform(key, (work.n, work.batch)))
        count = count + 1
        means = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, means, gradients)
        squares = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, squares, gradients)
        rate, correction = 1e-2 / (1 - 0.9**count), 1 - 0.999**count
        weights = jax.tree.map(
            lambda w, a, s: w - rate * a / (jnp.sqrt(s / correction) + 1e-8),
            weights,
            means,
            squares,
        )
        return (weights, means, squares, count), None

    scan = jax.jit(lambda state, keys: jax.lax.scan(update, state, keys)[0])
    keys = jax.random.split(jax.random.key(0), steps)
    W = 0.3 * jax.random.normal(keys[0], (work.K, work.m, work.n))
    zeros = (jnp.zeros_like(W), jnp.zeros((work.K, work.n, 1)))
    state = ((W, zeros[1]), zeros, zeros, 0)

    def step() -> float:
        jax.block_until_ready(scan(state, keys))
        return 1 / steps

    return step
