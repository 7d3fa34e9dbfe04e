"""A toy model trained in plain torch: what the framework must come to, for one model at a time."""

import torch
from torch.nn import functional

from sup.model.inputs import Draws, Purpose

CPU = torch.device("cpu")

ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": torch.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "solu": lambda z: z * z.softmax(-1),
}


def train(activation, n=10, m=5, S=0.9, decay=0.9, seed=0, steps=300, batch=1024, lr=0.01):
    """Train ``x' = f(x W^T W + b)`` on sparse uniform features; return W [m, n] and b [n]."""
    f, p = ACTIVATIONS[activation], 1 - S
    scale = (2 / (n + m)) ** 0.5
    normal = Draws((seed,), (m, n), CPU).normal(Purpose.INITIAL_WEIGHTS, 0)[0]
    W = (scale * normal).float().requires_grad_()
    b = torch.zeros(n, requires_grad=True)
    importance = decay ** torch.arange(n)
    optimizer = torch.optim.Adam([W, b], lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for words in Draws((seed,), (n, batch), CPU).each(Purpose.TRAINING, range(steps)):
        u = words[0].T / torch.tensor(2.0**32, dtype=torch.float64)
        x = torch.where(u < p, u / p, 0).float()
        loss = (importance * (x - f(x @ W.T @ W + b)) ** 2).mean(0).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return W.detach(), b.detach()
