"""`--help` and `--help TOPIC`, from what the settings, and the files in `conf`, say of themselves.

Answered before Hydra is imported. Its own `--hydra-help` remains.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sup.cli import program
from sup.config.describing import Line, as_help, group_help, group_lines, meanings, own_lines
from sup.config.options import OPTIONS
from sup.config.rules import meant
from sup.config.topics import MOST_USED, TOPICS, Topic

CONF = Path(__file__).parents[1] / "conf"

FLAGS = ("--help", "-h")

KEY = re.compile(r"( *)([\w.]+):(?: +([^#]*?))? *(?:# *(.*))?$")
"""A line of a config file: its depth, key, value and comment."""

START = """Toy models of superposition: x' = f(W^T W x + b), many at once.

  {program} [key=value ...]           one run; a list is a grid in it, 'sparsity=[0,0.5,0.9]'
  {program} -m [key=value,value ...]  a sweep: a run for each combination, trained together

Most used:

{used}

Topics, by {program} --help TOPIC; as well the name of any setting, such as optimizer.lr:

{topics}
    all            all of them

Examples:

  {program} activation=gelu sparsity=0.9                  one model
  {program} 'sparsity=[0,0.5,0.9]' 'seed=[0,1,2]'         a grid of nine in one run
  {program} -m activation=relu,gelu sparsity=0,0.5,0.9    a sweep of six runs, one stack
  {program} experiment=phase_diagram resolution=11        an experiment of the article

Results: outputs/<date>/<time>/results.nc (sup.load_run), under -m .../<job>/results.nc
(sup.load_sweep). --cfg job prints the composed config, --version the version, --hydra-help Hydra's
own options. Tab completion: eval "$({program} -sc install=bash)"
"""


class NoTopicError(ValueError):
    """Help that is asked for on what there is not."""


def is_asked(arguments: Sequence[str]) -> bool:
    """Tell whether arguments ask for help."""
    return any(flag in arguments for flag in FLAGS)


def answer(arguments: Sequence[str]) -> str:
    """Return the help that arguments ask for: the first page, or that on what they name.

    Raises:
        NoTopicError: where that is nothing.
    """
    named = [one for one in arguments if not one.startswith("-") and "=" not in one]
    if not named:
        return first_page()
    return "\n\n".join(map(page_on, named))


def first_page() -> str:
    """Return what `--help` says."""
    topics = "\n".join(f"    {name:<14} {topic.meaning}" for name, topic in TOPICS.items())
    used = "\n".join(used_line(key) for key in MOST_USED)
    return START.format(program=program.name(), topics=topics, used=used)


def used_line(key: str) -> str:
    """Return one line on a setting, or on a group and its options."""
    if key in OPTIONS:
        names = list(OPTIONS[key])
        few = ", ".join(names[:7]) + (" ..." if len(names) > 7 else "")
        return f"    {f'{key}=':<20} {meanings()[key]} ({few})"
    if key == "experiment":
        return f"    {'experiment=':<20} {', '.join(files_in('experiment')[:5])} ..."
    (about,) = [one for one in every_line() if one.key == key]
    usual = about.default.partition(" (")[0]  # without those of other options
    return f"    {f'{key}={usual}':<20} {about.meaning}"


def every_line() -> Iterator[Line]:
    """Yield what is said of each setting, of the options of all groups too."""
    yield from own_lines()
    for group in OPTIONS:
        yield from group_lines(group)


def page_on(name: str) -> str:
    """Return the help on a topic, a group or a setting.

    Raises:
        NoTopicError: where there is none of that name.
    """
    if name == "all":
        return "\n\n".join(map(page_on, TOPICS))
    if name in TOPICS:
        return topic_page(TOPICS[name])
    if name in OPTIONS:
        return "\n".join([*group_help(name), *own_files(name)])
    if found := [as_help(one) for one in every_line() if one.key == name]:
        return "\n".join(found)
    known = [*TOPICS, "all", *OPTIONS, *(one.key for one in every_line())]
    near = meant(name, known)
    guess = f"did you mean {near[0]}? " if near else ""
    topics = ", ".join([*TOPICS, "all"])
    raise NoTopicError(f"--help {name}: no such topic; {guess}there are {topics}, and all settings")


def topic_page(topic: Topic) -> str:
    """Return the page of a topic."""
    parts = [f"{topic.meaning[0].upper()}{topic.meaning[1:]}"]
    lines = {one.key: one for one in own_lines()}
    if topic.settings:
        parts.append("\n".join(as_help(lines[key]) for key in topic.settings))
    for group in topic.groups:
        parts.append("\n".join([*group_help(group), *own_files(group)]))
    for path in topic.files:
        parts.append("\n".join(described_file(path)))
    parts.append("\n".join(f"  {program.name()} {one}" for one in topic.examples))
    return "\n\n".join(parts)


def own_files(group: str) -> list[str]:
    """Return a line on the options of a group that are files in `conf`, if there are any."""
    files = files_in(group)
    return [f"    {'files':<12} {', '.join(files)}"] if files else []


def files_in(folder: str) -> list[str]:
    """Return the names of the config files in a folder of `conf`."""
    return sorted(path.stem for path in (CONF / folder).glob("*.yaml"))


def described_file(path: str) -> Iterator[str]:
    """Yield lines on a config file, by its comments; on a folder, a few lines on each in it."""
    if (CONF / path).is_dir():
        yield f"  {path}:"
        for name in files_in(path):
            meaning = comment_of((CONF / path / f"{name}.yaml").read_text(encoding="utf-8"))
            yield f"    {name:<20} {meaning}"
        return
    text = (CONF / f"{path}.yaml").read_text(encoding="utf-8")
    group, _, name = path.rpartition("/")
    yield f"  {group}={name}: {comment_of(text)}"
    above = "" if "@package _global_" in text else f"{group.replace('/', '.')}."
    yield from settings_in(text, above)


def comment_of(text: str) -> str:
    """Return the first sentence of the comment with which a config file begins."""
    lines = [line[1:].strip() for line in text.splitlines()[:6] if line.startswith("#")]
    words = " ".join(line for line in lines if not line.startswith("@package"))
    return re.split(r"(?<=[.?]) (?=[A-Z])", words)[0]


def settings_in(text: str, above: str) -> Iterator[str]:
    """Yield lines on the settings in a config file that have a comment.

    Args:
        text: of the file.
        above: what stands before its keys on the command line.
    """
    path: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = KEY.match(line)
        if not found:
            continue
        depth, key, value, comment = len(found[1]), found[2], found[3], found[4]
        path = [*(one for one in path if one[0] < depth), (depth, key)]
        if comment:
            name = above + ".".join(part for _, part in path)
            yield f"    {f'{name}={value or str()}':<36} {comment}"
