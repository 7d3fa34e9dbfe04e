"""What config files compute: lists, ``${sparsities:0.01,51}`` on a log axis; half of a size."""

from omegaconf import OmegaConf


def ratios(lowest: int | float, highest: int | float, count: int) -> list[float]:
    """Return `count` numbers from `lowest` to `highest`, evenly spaced by their logarithm."""
    if count == 1:
        return [float(lowest)]
    step = (highest / lowest) ** (1 / (count - 1))
    return [*(lowest * step**k for k in range(count - 1)), float(highest)]


def sparsities(least_density: int | float, count: int) -> list[float]:
    """Return ``S = 1 - p`` for `count` densities p from 1 down to the least, log-spaced."""
    return [1 - density for density in ratios(1.0, least_density, count)]


def numbers(count: int) -> list[int]:
    """Return the whole numbers from 0 on, so many: seeds."""
    return list(range(count))


def half(size: int) -> int:
    """Return half of a size, rounded down, and at least 1."""
    return max(1, size // 2)


def register() -> None:
    """Make these functions known to config files."""
    for function in (half, numbers, ratios, sparsities):
        OmegaConf.register_new_resolver(function.__name__, function, replace=True)
