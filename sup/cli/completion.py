"""What a shell's TAB offers, answered before Hydra is imported, which takes longer than all else.

Hydra installs the completion (`-sc install=bash`), which asks by `-sc query=SHELL`; the line is in
COMP_LINE. It would offer keys, options and defaults; here are also the words of a setting, what a
list or a sweep may go on with, paths, flags and topics. What only Hydra knows it says itself: its
own keys, options of the user's own, a config of another place.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from sup.cli import configs
from sup.config.describing import shown
from sup.config.fields import Setting
from sup.config.options import CALLBACKS, OPTIONS
from sup.config.settings import GROUPS, all_settings, is_reference
from sup.config.topics import TOPICS

FILES = ("experiment", "family")
"""Groups whose options are files in `conf` alone."""

PATHS = {
    "resume": (".ckpt",),
    "rerun": (".nc",),
    "init.path": (".pt", ".safetensors", ".npz", ".npy"),
}
"""Settings whose values are paths: what the files that they take end with."""

FLAGS = ("--help", "--hydra-help", "--version", "--multirun", "-m", "--cfg", "--resolve",
         "--package", "--config-dir", "--info")  # fmt: skip

AFTER_FLAGS = {
    ("--help", "-h"): (*TOPICS, "all"),
    ("--cfg", "-c"): ("job", "hydra", "all"),
}
"""What words may follow a flag."""

QUERY = re.compile(r"query=(bash|zsh|fish)")

BEFORE = re.compile(r"\s*(?:\S*python[\d.]*\s+(?:-m\s+)?)?\S+ ?")
"""What stands before the arguments in a line: the program, by Python or by itself."""

HYDRAS = re.compile(r"[+~]*hydra[./@]|.*@|--config|-c[dnp]\b|--experimental")
"""Words that only Hydra can complete, or that change what there is."""


def answer(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Return what a shell asks for; None where it asks for nothing, or Hydra is to say it.

    Args:
        arguments: of the command.
        environment: in which a shell says what has been typed.
    """
    if len(arguments) != 2 or arguments[0] not in ("-sc", "--shell-completion"):
        return None
    query, line = QUERY.fullmatch(arguments[1]), environment.get("COMP_LINE")
    if query is None or line is None:
        return None
    typed = line[end.end() :] if (end := BEFORE.match(line)) else ""
    words = typed.split()
    word = "" if not words or typed[-1].isspace() else words.pop()
    if any(HYDRAS.match(one) for one in [*words, word]):
        return None
    others = any(map(configs.takes_over_others, chosen_files(words)))
    own = any(option not in OPTIONS[group] for group, option in chosen_options(words).items())
    if others or own:
        return None
    offered = sorted(set(offers(words, word)))
    return ("\n" if query[1] == "fish" else " ").join(offered)


def offers(words: Sequence[str], word: str) -> Iterator[str]:
    """Yield what a word can become.

    Args:
        words: before it.
        word: as far as it is typed.
    """
    for flags, allowed in AFTER_FLAGS.items():
        if words and words[-1] in flags:
            yield from (one for one in allowed if one.startswith(word))
            return
    if word.startswith("-"):
        yield from (flag for flag in FLAGS if flag.startswith(word))
        return
    sign = word[:1] if word[:1] in ("+", "~") else ""
    key, equals, value = word.removeprefix(sign).partition("=")
    if equals:
        yield from (f"{sign}{key}={one}" for one in values(key, value, words))
    else:
        yield from (sign + one for one in keys(key, words, sign) if one.startswith(key))


def keys(start: str, words: Sequence[str], sign: str) -> Iterator[str]:
    """Yield the keys that there are, with what comes after them.

    Args:
        start: of the key.
        words: before it, which choose options and experiments.
        sign: a ~ takes keys away, which takes no value.
    """
    after = "" if sign == "~" else "="
    for group in (*GROUPS, *FILES, "callbacks"):
        yield f"{group}{after}"
    chosen = chosen_options(words)
    if "." in start:
        for group, option in chosen.items():
            yield from (f"{group}.{name}{after}" for name in ("_target_", *settings(group, option)))
        for name, callback in CALLBACKS.items():
            inner = [f"{name}.{key}=" for key in ("_target_", *callback.settings)]
            is_inside = start.startswith(f"callbacks.{name}.")
            each = inner if is_inside else [name if sign == "~" else f"{name}."]
            yield from (f"callbacks.{one}" for one in each)
        yield from (f"{key}{after}" for key in all_settings() if key.startswith("stack."))
        return
    yield from ("hydra.", "hydra/", "stack.", "callbacks.", *(f"{group}." for group in GROUPS))
    variables = {key for text in chosen_files(words) for key in configs.values(text)}
    others = {key for key in all_settings() if "." not in key and key not in GROUPS}
    known = others - {"resolution"} | (others & variables) | {"rerun"}
    yield from (f"{key}{after}" for key in known)


def settings(group: str, option: str) -> Mapping[str, Setting]:
    """Return the settings of an option; none of a user's own, which Hydra knows."""
    known = OPTIONS[group].get(option)
    return known.settings if known else {}


def chosen_files(words: Sequence[str]) -> list[str]:
    """Return the texts of the experiment and the family that words choose."""
    given = [word.lstrip("+").partition("=") for word in words]
    named = [f"{key}/{value}" for key, _, value in given if key in FILES]
    return [text for text in map(configs.text_of, named) if text is not None]


def chosen_options(words: Sequence[str]) -> dict[str, str]:
    """Return the option of each group, as words, or what they choose, say."""
    known = all_settings()
    chosen = {group: shown(known[group].default) for group in GROUPS}
    for text in (configs.text_of("command") or "", *chosen_files(words)):
        made = configs.choices(text)
        chosen |= {group: option for group, option in made.items() if group in GROUPS}
    for word in words:
        group, equals, option = word.lstrip("+~").partition("=")
        if equals and group in GROUPS:
            chosen[group] = option.partition(",")[0].strip("[]'\"")
    return chosen


def values(key: str, value: str, words: Sequence[str]) -> Iterator[str]:
    """Yield the values of a key, with those that stand before the last comma of a list or a sweep.

    Args:
        key: the setting, or the group.
        value: as far as it is typed.
        words: before it.
    """
    if key in PATHS or value.startswith((".", "/")):
        yield from paths(value, PATHS.get(key, ("",)))
        if key == "resume" and "true".startswith(value):
            yield "true"
        return
    start = re.match(r"(?:.*[,\[])?", value)
    before = start.group() if start else ""
    for one in single_values(key, words):
        if one.startswith(value[len(before) :]):
            yield before + one


def single_values(key: str, words: Sequence[str]) -> Iterator[str]:
    """Yield what one value of a key can be: options, words, or the default."""
    if key in (*GROUPS, *FILES, "callbacks"):
        yield from OPTIONS.get(key, {"default": None} if key == "callbacks" else {})
        yield from configs.names_in(key)
        return
    group, _, name = key.rpartition(".")
    own = settings(group, chosen_options(words)[group]) if group in GROUPS else all_settings()
    about = own.get(name if group in GROUPS else key)
    if about is None:
        return
    if about.rule.words:
        yield from about.rule.words
    elif about.default is not None:
        yield default_of(key, about, words)


def default_of(key: str, about: Setting, words: Sequence[str]) -> str:
    """Return the default of a setting: the experiment's, or that of the setting it refers to."""
    given = {
        name: value for text in chosen_files(words) for name, value in configs.values(text).items()
    }
    if key in given:
        return given[key] or shown(about.default)
    if is_reference(about.default):
        other = shown(about.default)
        typed = [word.partition("=")[2] for word in words if word.startswith(f"{other}=")]
        return typed[-1] if typed else default_of(other, all_settings()[other], words)
    return shown(about.default)


def paths(start: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Yield the directories, with a / behind them, and files of a kind, whose paths begin so."""
    folder, name = os.path.split(start)
    try:
        entries = list(os.scandir(folder or "."))
    except OSError:
        return
    for entry in entries:
        hidden = entry.name.startswith(".") and not name.startswith(".")
        if hidden or not entry.name.startswith(name):
            continue
        if entry.is_dir():
            yield os.path.join(folder, entry.name, "")
        elif entry.name.endswith(suffixes):
            yield os.path.join(folder, entry.name)
