"""The config files in `conf`: where they are, and what can be read in them without Hydra.

Help and completion do not wait for it. A file is named by its path in `conf` without what it ends
with, such as ``experiment/search``.
"""

import re
from collections.abc import Iterator
from pathlib import Path

CONF = Path(__file__).parents[1] / "conf"

CHOICE = re.compile(r"- override /?(\w+): (\w+)")
"""A line of a list of defaults."""

OTHER = re.compile(r"^defaults:\n(?: .*\n|#.*\n)* *- (?!override )", re.M)
"""A list of defaults that takes over other files."""

KEY = re.compile(r"^(\w+):(?: +([^\s#\[{$]+))?", re.M)
"""A key at the top, with its value where that is one number or word."""

LINE = re.compile(r"( *)([\w.]+):(?: +([^#]*?))? *(?:# *(.*))?$")
"""A line with a key: its depth, key, value and comment."""


def names_in(folder: str) -> list[str]:
    """Return the names of the files in a folder; none where there is no such folder."""
    return sorted(path.stem for path in (CONF / folder).glob("*.yaml"))


def text_of(name: str) -> str | None:
    """Return the text of a file; None where there is none of that name."""
    path = CONF / f"{name}.yaml"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def choices(text: str) -> dict[str, str]:
    """Return the option of each group that a file chooses."""
    return dict(CHOICE.findall(text))


def takes_over_others(text: str) -> bool:
    """Tell whether a file is made of others, which only Hydra puts together."""
    return OTHER.search(text) is not None


def values(text: str) -> dict[str, str]:
    """Return the keys at the top of a file, with their values where these are numbers or words."""
    return dict(KEY.findall(text))


def comment_of(text: str) -> str:
    """Return the first sentence of the comment with which a file begins."""
    lines = [line[1:].strip() for line in text.splitlines()[:6] if line.startswith("#")]
    words = " ".join(line for line in lines if not line.startswith("@package"))
    return re.split(r"(?<=[.?]) (?=[A-Z])", words)[0]


def commented(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the settings that have a comment: key, with what it is below, value and comment."""
    path: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = LINE.match(line)
        if not found:
            continue
        depth, key, value, comment = len(found[1]), found[2], found[3], found[4]
        path = [*(one for one in path if one[0] < depth), (depth, key)]
        if comment:
            yield ".".join(part for _, part in path), value or "", comment
