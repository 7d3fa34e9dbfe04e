"""What tests want to know of a command."""

from dataclasses import dataclass


@dataclass
class Outcome:
    """How a command ended."""

    status: int
    out: str
    error: str
