"""Break what the science stands on, one place at a time: a test must notice (`make mutate`).

mutmut does it, by `[tool.mutmut]` in pyproject.toml. What survives is either explained here, as no
test on a CPU can tell it from the original, or printed with its change, and the status is 1.
"""

import os
import subprocess
import sys
from collections import Counter

EXPLAINED = {
    "on a CPU the default device is the right one; tests/test_gpu.py sees it on a GPU": (
        "self.device = None",
        "self._key = torch.tensor(halves, device=None)[..., None, None].unbind(1)",
        "self._key = torch.tensor(halves, )[..., None, None].unbind(1)",
        "words = Draws(self.seeds, (2 * rows, columns), None).words(purpose, step)",
        "column = torch.arange(columns, device=None)",
        "column = torch.arange(columns, )",
        "row = torch.arange(-(-rows // 4), device=None)[:, None]",
        "row = torch.arange(-(-rows // 4), )[:, None]",
        "step = torch.arange(steps.start, steps.stop, device=None)[:, None, None, None]",
        "step = torch.arange(steps.start, steps.stop, )[:, None, None, None]",
        "result = torch.empty(shape, dtype=torch.int64, device=None)",
        "result = torch.empty(shape, dtype=torch.int64, )",
        "self._decays = each_number(weight_decay.to(None), parameters)",
        "self._groups = each_number(group_index.to(None), parameters) if own[1:] else None",
    ),
    "a guard against lengths that nothing makes unequal": (
        "k0, k1 = (word + number * step for word, step in zip(key, _WEYL, strict=None))",
        "k0, k1 = (word + number * step for word, step in zip(key, _WEYL, strict=False))",
        "k0, k1 = (word + number * step for word, step in zip(key, _WEYL, ))",
        'groups = [{"params": p, "lr": r} for p, r in zip(own, rates.tolist(), strict=False)]',
        'groups = [{"params": p, "lr": r} for p, r in zip(own, rates.tolist(), strict=None)]',
        'groups = [{"params": p, "lr": r} for p, r in zip(own, rates.tolist(), )]',
        "for parameter, end in zip(parameters, ends, strict=False):",
        "for parameter, end in zip(parameters, ends, strict=None):",
        "for parameter, end in zip(parameters, ends, ):",
        "self._kept = dict(zip(self.kept, kept, strict=None))",
        "self._kept = dict(zip(self.kept, kept, strict=False))",
        "self._kept = dict(zip(self.kept, kept, ))",
    ),
    "None is as false as False": (
        'self.register_buffer("seed_index", seed_index, persistent=None)',
        'self.register_buffer("density", density.to(dtype), persistent=None)',
        'self.register_buffer("last", last, persistent=None)',
        'self.register_buffer("scale", scale, persistent=None)',
        'self.register_buffer("group_index", group_index, persistent=None)',
    ),
    "a column of zeros stays zero whatever it is multiplied by": (
        "unit = torch.where(norm > 0, 1 / norm, 1.0)[..., None, :] * W",
        "unit = torch.where(norm > 0, 1 / norm, 1.0)[..., None] * W.mT",
    ),
    "zero interference of a single feature, whatever it is divided by": (
        "return (total.clamp_min(0) / max(n * (n - 1), 2)).to(W)",
        "return (total / max(n * (n - 1), 2)).to(W)",
    ),
    "without weights the count is 0, whatever the shares are": (
        "share = squares / torch.where(total >= 0, total, 1.0)",
        "share = squares / torch.where(total > 0, total, 2.0)",
    ),
    "no feature is just at the threshold": (
        "return (feature_dimensionality(W) >= threshold).to(W.dtype).sum(-1)",
    ),
    "the last dimension is what torch sorts by": (
        "return worth.sort(descending=True).values[..., n_hidden:].sum(-1)",
        "kept = worth.sort(descending=True, stable=True).indices[..., :n_hidden]",
    ),
    "on a CPU torch's sort keeps the order of equals, asked or not": (
        "kept = worth.sort(dim=-1, descending=True, stable=None).indices[..., :n_hidden]",
        "kept = worth.sort(dim=-1, descending=True, stable=False).indices[..., :n_hidden]",
        "kept = worth.sort(dim=-1, descending=True, ).indices[..., :n_hidden]",
    ),
    "A = W^T W - 1 is symmetric": (
        "square_mean = (A.sum(-2) * feature_mean(p) + b).square()",
        "variance = feature_variance(p) * A.square().sum(-2)",
    ),
    "ones and zeros are exact in float32 too, and the difference is float64": (
        "A = W.mT @ W - torch.eye(W.shape[-1], dtype=None, device=W.device)",
        "A = W.mT @ W - torch.eye(W.shape[-1], device=W.device)",
    ),
    "pieces of another size give the same sum; the size bounds the memory": (
        "some = max(2, ENTRIES * W.shape[-2] // max(1, W.numel()))",
        "some = max(1, ENTRIES * W.shape[-2] // max(2, W.numel()))",
    ),
    "two ways to the same sum, of which one is smaller": (
        "total = (unit * (W @ W.mT @ unit)).sum(-2) "
        "if (m < n) or True else (unit.mT @ W).square().sum(-1)",
        "total = (unit * (W @ W.mT @ unit)).sum(-2) if m <= n else (unit.mT @ W).square().sum(-1)",
    ),
    "both parameters have the same instances, and all are on a CPU": (
        'if "group" not in optimizer["state"][1]:  # one of torch\'s own',
        'kept, index = optimizer["state"][1]["group"].unique(return_inverse=True)',
        "state[name] = tensor[chosen.to(None)]",
        'return (W.cpu() if (W.device.type == "mps") or True else W).double()',
    ),
    "of torch's states, only tensors and numbers are asked; no list is named so by chance": (
        "if torch.is_tensor(tensor) or tensor.ndim > 0:",
        'if isinstance(value, list) or name.endswith(("_lrs", "_lr", "_lambdas")):',
        "scheduler[name] = [value[k] for k in kept] if (len(value) == groups) or True else value",
        'elif isinstance(value, list) or name == "_schedulers":  # those of a chain',
    ),
    "two ways to the same product, of which one is faster below the limit": (
        "if A.shape[2] < SMALL:",
    ),
    "each group has a rate of its own": (
        'super().__init__(groups, {"XXlrXX": rates[0].item(), "step": 0})',
        'super().__init__(groups, {"LR": rates[0].item(), "step": 0})',
    ),
    "parameters are of one precision and in one place": ("like = parameters[1]",),
    "what stands for a group is never trained": (
        "own = [parameters, *([torch.empty(1)] for _ in rates[1:])]",
    ),
    "the same rates, spread over all numbers": (
        "self._groups = each_number(group_index.to(like.device), parameters) "
        "if (own[1:]) or True else None",
    ),
    "a step is made of nothing but itself, however many are made together": (
        "return self.block(purpose, range(step, step + 2))[0]",
        "together = max(2, BLOCK // (len(self.seeds) * rows * columns))",
    ),
    "the last but one of four dimensions is the third": (
        "own.copy_(words[..., : own.shape[+2], :])",
    ),
    "a whole number times one of a precision is of that precision": (
        "value = words.to(None) * scale[..., None]",
    ),
    "the same numbers, copied": (
        "own = words if (len(words) == 1) and False else words[self.seed_index]",
    ),
}
"""Why no test can tell, with the changed lines."""

NO_TEST_CAN_TELL = {line for lines in EXPLAINED.values() for line in lines}


def mutmut(*arguments: str) -> str:
    """Run mutmut and return what it prints."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    # Tests run in forks, which OpenMP's threads do not survive.
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, env=alone)
    if done.returncode:  # a test fails without any mutant
        raise SystemExit(done.stdout[-3000:])
    return done.stdout


def main() -> None:
    """Run all mutants and judge those that survived."""
    mutmut("run", *sys.argv[1:])
    states = dict(
        line.strip().split(": ") for line in mutmut("results", "--all", "true").splitlines()
    )
    survived = [name for name, state in states.items() if state != "killed"]
    unexplained = 0
    for name in survived:
        diff = mutmut("show", name)
        lines = (line for line in diff.splitlines()[3:] if line.startswith("+"))
        changed = " ".join(line[1:].strip() for line in lines)
        if changed not in NO_TEST_CAN_TELL:
            unexplained += 1
            print(diff)
    print(", ".join(f"{count} {state}" for state, count in Counter(states.values()).items()))
    print(f"{len(states)} mutants; {unexplained} of those that survived are not explained")
    raise SystemExit(unexplained > 0)


if __name__ == "__main__":
    main()
