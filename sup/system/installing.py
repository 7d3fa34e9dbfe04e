"""Set up a virtual environment, and say meanwhile what is being done: `make` calls this.

``python3 -m sup.system.installing .venv`` installs what training needs, in the versions of
constraints.txt; with ``dev`` behind it, also that extra. It runs with nothing installed yet.
"""

import os
import re
import subprocess
import sys
import threading
import time
import venv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

IMPORTED = {
    "": "sup.cli.train, sup.cli.summary, sup.sweep.page, sup.sweep.draw, sup.figures, wandb",
    "dev": "pytest, hypothesis, beartype, nbclient, sphinx.application, selenium.webdriver",
}
"""What commands import, and users of an extra, and so is compiled here: a fifth of what there is.
pip would compile all of it, which takes it longer than to install it."""

COLLECTING = "collecting packages"

DOWNLOADED = re.compile(r"\s+Downloading (\S+) (\(.*\))")
COLLECTED = re.compile(r"(?:Collecting|Processing|Obtaining) (\S+)")
INSTALLED = re.compile(r"Installing collected packages: (.*)")


class Stages:
    """Says what is being done: a line that follows it on a terminal, else a line for each stage."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.stage = ""
        self.detail: Callable[[], str] = str
        self.live = sys.stdout.isatty()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def say(self, stage: str, detail: Callable[[], str] = str) -> None:
        """Say which stage it is, and, on a terminal, how far it is."""
        if stage != self.stage and not self.live:
            print(f"  {stage}", flush=True)
        self.stage, self.detail = stage, detail

    def follow(self) -> None:
        """Write the line anew, five times a second, until the end."""
        while self.live and not self.ended.wait(0.2):
            width = os.get_terminal_size(sys.stdout.fileno()).columns or 80
            line = f"{time.monotonic() - self.begun:5.0f} s  {self.stage}  {self.detail()}"
            print(f"\r\033[K{line[: width - 1]}", end="", flush=True)

    def end(self) -> None:
        """Take the line away."""
        self.ended.set()
        self.thread.join()
        if self.live:
            print("\r\033[K", end="", flush=True)


def stages_of(lines: Iterable[str], site: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield what pip does, as its lines tell: the stage, and what says how far it is.

    Args:
        lines: of `pip install`, as it writes them.
        site: the directory in which packages are installed.
    """
    for line in lines:
        if found := DOWNLOADED.match(line):
            yield COLLECTING, f"downloading {name_of(found[1])} {found[2]}".__str__
        elif found := COLLECTED.match(line):
            yield COLLECTING, name_of(found[1]).__str__
        elif found := INSTALLED.match(line):
            yield unpacking(found[1].split(", "), site)


def unpacking(names: Sequence[str], site: Path) -> tuple[str, Callable[[], str]]:
    """Return the stage in which packages are unpacked, and what says how many are."""
    before = installed(site)
    return (
        f"unpacking {len(names)} packages",
        lambda: f"{min(installed(site) - before, len(names))} done",
    )


def installed(site: Path) -> int:
    """Return how many packages are installed in a directory."""
    return sum(1 for _ in site.glob("*.dist-info"))


def name_of(what: str) -> str:
    """Return the name of a package by a requirement of it, or by its file's path."""
    return re.split(r"[<>=!~;\[]|-\d", what.rpartition("/")[2])[0]


def install(environment: Path, extras: Sequence[str]) -> None:
    """Install the project in a virtual environment, editable; make that where there is none.

    Args:
        environment: its directory.
        extras: of the project.

    Raises:
        SystemExit: where that fails, with what pip has said.
    """
    what = ", and ".join(
        ["what training needs, torch and all", *(f"the extra {x}" for x in extras)]
    )
    print(f"setting up {environment}: {what}; a minute or two, once", flush=True)
    stages, python = Stages(), environment / "bin" / "python"
    try:
        if not (environment / "bin" / "pip").exists():  # the last that is made of it
            stages.say("making the environment")
            venv.create(environment, symlinks=True, with_pip=True)
        run_pip(python, f".[{','.join(extras)}]" if extras else ".", stages)
        stages.say("compiling what is imported")
        imported = ", ".join(IMPORTED[name] for name in ("", *extras) if name in IMPORTED)
        said = compile_imported(python, imported)
    finally:
        stages.end()
    if said:
        print(f"  not compiled, so what is first started takes longer: {said}", flush=True)
    print(f"  set up in {time.monotonic() - stages.begun:.0f} s", flush=True)


def compile_imported(python: Path, names: str) -> str:
    """Have Python import modules, and so compile them; return the last line where it fails.

    Args:
        python: of the environment.
        names: of the modules, with commas.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    importing = [python, "-c", f"import {names}"]
    done = subprocess.run(
        importing, env=kept, stderr=subprocess.PIPE, errors="replace", check=False
    )
    lines = done.stderr.strip().splitlines()
    return (lines or [f"status {done.returncode}"])[-1] if done.returncode else ""


def run_pip(python: Path, project: str, stages: Stages) -> None:
    """Have pip install a project, and say what it does.

    Raises:
        SystemExit: where it fails, with its last lines.
    """
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    (site,) = python.parents[1].glob("lib/python*/site-packages")
    said: deque[str] = deque(maxlen=30)
    with subprocess.Popen(
        [*pip, "-c", "constraints.txt", "-e", project],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            said.append(line)
            for stage in stages_of([line], site):
                stages.say(*stage)
    if process.returncode:
        stages.end()
        raise SystemExit("".join(said) + "error: pip has failed; its last lines are above")


def main(arguments: Sequence[str]) -> None:
    """Set up the environment that is named, with the extras behind it.

    Raises:
        SystemExit: where that fails, or is stopped by Ctrl-C, with what is to be said of it.
    """
    try:
        install(Path(arguments[0]), arguments[1:])
    except KeyboardInterrupt:
        print("stopped: the environment is not complete; the same command completes it")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main(sys.argv[1:])
