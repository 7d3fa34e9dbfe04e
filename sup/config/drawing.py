"""Which figures a command draws, and as what files: the options of the config group `figures`."""

from dataclasses import dataclass
from typing import Any

from sup.config.fields import Option, Setting
from sup.config.rules import Rule, SettingError, unknown

FORMATS = ("png", "svg", "pdf")
"""As what figures can be written."""

MOST_BY_ITSELF = 50
"""Runs up to which figures are drawn of each where nothing is said: a thousand would be 3,000
files, which took half the time of the sweep."""


@dataclass(frozen=True)
class Drawing:
    """What is drawn of a run.

    Args:
        formats: as what its figures, and those of its sweep, are written.
        of_run: whether it has figures of its own.
        of_sweep: whether its sweep has.
    """

    formats: tuple[str, ...]
    of_run: bool
    of_sweep: bool


Formats = str | list[str]


def auto(runs: int, format: Formats) -> Drawing:
    """Draw the sweep, and each of so many runs where they are few."""
    return Drawing(as_formats(format), of_run=runs <= MOST_BY_ITSELF, of_sweep=True)


def end(runs: int, format: Formats) -> Drawing:
    """Draw the sweep, and each of its runs, however many they are."""
    return Drawing(as_formats(format), of_run=True, of_sweep=True)


def none(runs: int, format: Formats) -> Drawing:
    """Draw nothing."""
    return Drawing(as_formats(format), of_run=False, of_sweep=False)


def as_formats(given: Any) -> tuple[str, ...]:
    """Return formats, of which one may be given alone, without its list."""
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


def _are_formats(value: Any) -> bool:
    each = as_formats(value)
    return bool(each) and all(one in FORMATS and each.count(one) == 1 for one in each)


_FORMAT = Setting(
    "png",
    Rule(f"one of {', '.join(FORMATS)}, or a list of different ones", _are_formats, words=FORMATS),
    "of the files; svg and pdf, their letters within, are for papers: figures.format=[png,pdf]",
)

DRAWINGS: dict[str, Option] = {
    name: Option(f"{__name__}.{name}", meaning, {"format": _FORMAT})
    for name, meaning in {
        "auto": f"those of the sweep, and each run's up to {MOST_BY_ITSELF} runs",
        "end": "those of the sweep, and each run's",
        "none": "none",
    }.items()
}


def check_drawing(settings: Any) -> None:
    """Check that figures are drawn in one of our ways, which take nothing but a format.

    Raises:
        SettingError: where they are not.
    """
    chosen = settings.figures
    if chosen.path not in {option.target for option in DRAWINGS.values()}:
        raise SettingError("figures", chosen.path, f"must be one of {', '.join(DRAWINGS)}")
    for name, value in chosen.parameters.items():
        if name != "format":
            raise unknown(f"figures.{name}", value, ["figures.format"])
