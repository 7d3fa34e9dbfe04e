"""`--help` and `--help TOPIC`, from what the settings, and the files in `conf`, say of themselves.

Answered before Hydra is imported. Its own `--hydra-help` remains.
"""

from collections.abc import Iterator, Sequence

from sup.cli import configs, program
from sup.config.describing import Line, as_help, group_help, group_lines, meanings, own_lines
from sup.config.options import OPTIONS
from sup.config.rules import meant
from sup.config.topics import MOST_USED, TOPICS, Topic

FLAGS = ("--help", "-h")

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
        return f"    {'experiment=':<20} {', '.join(configs.names_in('experiment')[:5])} ..."
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
    names = configs.names_in(group)
    return [f"    {'files':<12} {', '.join(names)}"] if names else []


def described_file(path: str) -> Iterator[str]:
    """Yield lines on a config file, by its comments; on a folder, a few lines on each in it."""
    text = configs.text_of(path)
    if text is None:
        yield f"  {path}:"
        for name in configs.names_in(path):
            meaning = configs.comment_of(configs.text_of(f"{path}/{name}") or "")
            yield f"    {name:<20} {meaning}"
        return
    group, _, name = path.rpartition("/")
    yield f"  {group}={name}: {configs.comment_of(text)}"
    above = "" if "@package _global_" in text else f"{group.replace('/', '.')}."
    for key, value, comment in configs.commented(text):
        yield f"    {f'{above}{key}={value}':<36} {comment}"
