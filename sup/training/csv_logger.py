"""Curves as a CSV file: each row is written at once, and a kill costs none of them."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from sup.system.files import replacing

LONGEST_STEP = 20
"""Digits; what has more was never a step."""


class CSVRows(Logger):
    """Writes metrics to `csv/metrics.csv`, and goes on with the rows of an interrupted command.

    A row is appended. Where the file is written anew, because it has rows that this command will
    log again or lacks a column, it is replaced as a whole. Lightning's own logger removes the file
    first, and what a kill then leaves is lost.

    Args:
        directory: of the run.
    """

    def __init__(self, directory: Path):
        super().__init__()
        self.file = directory / "csv" / "metrics.csv"
        self.columns: list[str] = []

    @property
    def name(self) -> str:
        """The kind of logger."""
        return "csv"

    @property
    def version(self) -> str:
        """Empty: a run has one."""
        return ""

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the settings of a run are in its results."""

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write a row; before the first, drop earlier rows from its step on."""
        assert step is not None
        row = {**metrics, "step": step}
        if not self.columns:
            self.rewrite([held for held in self.rows() if int(held["step"]) < step], row)
        elif not row.keys() <= set(self.columns):
            self.rewrite(self.rows(), row)
        else:
            with self.file.open("a", newline="", encoding="utf-8") as file:
                file.write(self.lines([row]))

    def rows(self) -> list[dict[str, str]]:
        """Return the rows of the file; the last one may have been cut off by a kill."""
        if not self.file.is_file():
            return []
        text = self.file.read_bytes().decode(errors="replace").replace("\0", "")
        whole = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
        return [row for row in whole if None not in row and is_step(row.get("step"))]

    def rewrite(self, held: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> None:
        """Replace the file by one with some rows and a further one."""
        rows = [*held, row]
        self.columns = sorted({name for one in rows for name in one})
        self.file.parent.mkdir(exist_ok=True)
        with replacing(self.file) as unfinished:
            head = dict(zip(self.columns, self.columns, strict=True))
            unfinished.write_text(self.lines([head, *rows]), "utf-8", newline="")

    def lines(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Return rows as text."""
        text = io.StringIO()
        csv.DictWriter(text, self.columns).writerows(rows)
        return text.getvalue()


def is_step(text: str | None) -> bool:
    """Tell whether a field of an earlier file is a step."""
    return bool(text) and text.isdecimal() and len(text) <= LONGEST_STEP
