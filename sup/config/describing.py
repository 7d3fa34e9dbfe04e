"""What people read about the settings: the lines of `--help`, and docs/reference/settings.md.

`python -m sup.config.describing` prints that page.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from sup.config.fields import Setting
from sup.config.options import CALLBACKS, OPTIONS, VARIABLES
from sup.config.settings import GROUPS, Settings, StackSettings, described


@dataclass(frozen=True)
class Line:
    """What is said of one setting.

    Args:
        key: on the command line.
        default: its value where nothing is said, and those of other options.
        allowed: what it may be.
        meaning: a sentence.
    """

    key: str
    default: str
    allowed: str
    meaning: str


def line(key: str, about: Setting, default: str = "") -> Line:
    """Describe one setting."""
    allowed = "" if about.rule.allowed == "anything" else about.rule.allowed
    if about.axis:
        allowed = f"axis: {allowed}"
    if about.per_feature:
        allowed = f"a list, for each feature {allowed}"
    return Line(key, default or shown(about.default), allowed, about.meaning)


def shown(value: object) -> str:
    """Write a default as on the command line; one that is another setting by that one's name."""
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value).strip("${}")


def own_lines() -> Iterator[Line]:
    """Yield the settings that are not those of a part."""
    for name, about in described(Settings).items():
        yield line(name, about)
    for name, about in described(StackSettings).items():
        yield line(f"stack.{name}", about)
    for name, option in CALLBACKS.items():
        for key, about in option.settings.items():
            yield line(f"callbacks.{name}.{key}", about)
    for name, about in VARIABLES.items():
        yield line(name, about)


def group_lines(group: str) -> Iterator[Line]:
    """Yield the settings of a group's options with their defaults, once what means the same."""
    held: dict[tuple[str, str], dict[str, Setting]] = {}
    for option, described_option in OPTIONS[group].items():
        for name, about in described_option.settings.items():
            alike = about.meaning if about.axis else ""
            held.setdefault((name, alike), {})[option] = about
    for (name, _), by_option in held.items():
        (_, about), *others = by_option.items()
        usual = shown(about.default)
        different = [
            f"{option}: {shown(other.default)}"
            for option, other in others
            if shown(other.default) != usual
        ]
        default = f"{usual} ({', '.join(different)})" if different else usual
        key = f"{group}.{name}"
        is_everywhere = len(by_option) == len(OPTIONS[group])
        only = "" if is_everywhere else f"with {group}={', '.join(by_option)}: "
        described_line = line(key, about, default)
        yield Line(key, default, described_line.allowed, f"{only}{described_line.meaning}")


def meanings() -> dict[str, str]:
    """Return what each group is."""
    found = {one.name: one.metadata for one in fields(Settings)}
    return {name: found[name]["setting"].meaning for name in GROUPS}


def group_help(group: str) -> Iterator[str]:
    """Yield lines of help on a group: what it is, its options, and their settings."""
    if group == "callbacks":
        yield "  callbacks: what happens during training; ~callbacks.images leaves one out"
        yield from (f"    {name:<12} {one.meaning}" for name, one in CALLBACKS.items())
        yield from (as_help(one) for one in own_lines() if one.key.startswith("callbacks."))
        return
    yield f"  {group}: {meanings()[group]}"
    yield from (f"    {name:<12} {option.meaning}" for name, option in OPTIONS[group].items())
    yield from map(as_help, group_lines(group))


def as_help(about: Line) -> str:
    """Return two lines of help on one setting: what it is, and what it may be."""
    first = f"    {f'{about.key}={about.default}':<36} {about.meaning}"
    return f"{first}\n{'':41}{about.allowed}" if about.allowed else first


def markdown() -> str:
    """Return the page of all settings."""
    head = "| setting | default | may be | meaning |\n| --- | --- | --- | --- |"

    def table(lines: Iterator[Line]) -> str:
        rows = [
            f"| `{row.key}` | `{row.default}` | {row.allowed or 'as it says'} | {row.meaning} |"
            for row in lines
        ]
        return "\n".join([head, *rows])

    parts = [
        "# Settings",
        "Made from `sup/config/settings.py` and `sup/config/options.py` by `make docs`. An *axis* "
        "takes a number, or a list of numbers, which spans a grid of models in one run. In Python "
        "a part's settings are written with an underscore, as results have them: "
        "`sup.train(importance_decay=0.8)`.",
        table(own_lines()),
    ]
    for group, meaning in meanings().items():
        options = [f"- `{group}={name}`: {held.meaning}" for name, held in OPTIONS[group].items()]
        rows = list(group_lines(group))
        parts += [f"## `{group}`: {meaning}", "\n".join(options)]
        parts += [table(iter(rows))] if rows else []
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
