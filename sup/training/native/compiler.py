"""Compile kernels, once for a machine: found again by source, compiler, flags and processor."""

import atexit
import ctypes
import hashlib
import logging
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sup.system.stages import stage
from sup.training.kernels import NoKernelError
from sup.training.native.source import HERE, Kernel, files_digest

log = logging.getLogger(__name__)

FLAGS = (
    *("-x", "c++", "-std=c++17", "-O3", "-march=native", "-shared", "-fPIC"),
    # So that roots and comparisons are single instructions; what is not a number stays so.
    *("-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"),
)


PATIENCE = 300
"""Seconds for a compiler; a kernel takes it one or two, zig's first five."""


@cache
def compiler() -> tuple[str, ...]:
    """Return the command of a C++ compiler: `CXX`, the system's, or that of the extra `native`.

    Raises:
        NoKernelError: where there is none.
    """
    if named := os.environ.get("CXX"):
        return tuple(shlex.split(named))
    for name in ("c++", "g++", "clang++"):
        if found := shutil.which(name):
            return (found,)
    if find_spec("ziglang"):
        return (sys.executable, "-m", "ziglang", "cc")
    raise NoKernelError("no C++ compiler here")


@cache
def machine() -> str:
    """Return what the compiler says of itself and of this processor: its predefined macros.

    Raises:
        NoKernelError: where it cannot be asked.
    """
    ask = [*compiler(), "-march=native", "-dM", "-E", "-x", "c++", os.devnull]
    return _ran(ask)


@cache
def folder() -> Path:
    """Return where compiled kernels are kept: a folder that is this user's alone, as they are run.

    One of this process where the user has none.
    """
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME", ""))
        home = home if home.is_absolute() else Path.home() / ".cache"
        home.mkdir(parents=True, exist_ok=True)
        place = home / "superposition" / "native"
        if all(map(_is_own, (place.parent, place))):  # who owns the first could exchange the second
            return place
    except (OSError, RuntimeError):  # no home, or one that cannot be written to
        pass
    own = Path(tempfile.mkdtemp(prefix="superposition-native-"))
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own


def _is_own(place: Path) -> bool:
    """Tell whether a folder, made if it is not there, can be written to by this user alone."""
    place.mkdir(mode=0o700, exist_ok=True)
    about = place.lstat()
    is_others = about.st_uid != os.getuid() or bool(about.st_mode & 0o022) or place.is_symlink()
    return not is_others and os.access(place, os.W_OK)


def compiled(kernels: Iterable[Kernel]) -> list[ctypes.CDLL]:
    """Return the library of each kernel, compiling side by side those that are not kept.

    Raises:
        NoKernelError: where one cannot be compiled, or loaded.
    """
    wanted = list(kernels)
    distinct = list(dict.fromkeys(wanted))
    if missing := sum(not path_of(kernel).exists() for kernel in distinct):
        each = f"compiling {missing} kernel{'s' * (missing > 1)}, once for this machine"
        with stage(log, each, len(distinct)) as advance:
            paths = _all_kept(distinct, advance)
    else:
        paths = _all_kept(distinct, lambda: None)
    return [_loaded(kernel, paths[kernel]) for kernel in wanted]


def _all_kept(kernels: Sequence[Kernel], advance: Callable[[], None]) -> dict[Kernel, Path]:
    """Return the library of each kernel, and say when each is there."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        paths = {}
        for kernel, path in zip(kernels, pool.map(_kept, kernels), strict=True):
            paths[kernel] = path
            advance()
    return paths


def path_of(kernel: Kernel) -> Path:
    """Return where a kernel's library is kept.

    Raises:
        NoKernelError: where there is no compiler.
    """
    parts = (kernel.source, files_digest(), *compiler(), *FLAGS, machine())
    return folder() / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}.so"


def _loaded(kernel: Kernel, path: Path) -> ctypes.CDLL:
    """Load a kernel's library; what is broken is compiled once more.

    Raises:
        NoKernelError: where it cannot be: from its folder nothing may be run, say.
    """
    try:
        if _is_whole(path):
            return ctypes.CDLL(str(path))
    except OSError:
        pass
    try:
        path.unlink(missing_ok=True)
        return ctypes.CDLL(str(_kept(kernel)))
    except OSError as error:
        raise NoKernelError(str(error)) from error


def _digest(library: bytes) -> bytes:
    return hashlib.sha256(library).digest()


def _is_whole(path: Path) -> bool:
    """Tell whether a library is as it was written: one cut short would end the process (SIGBUS).

    Its digest stands behind it, where a loader does not look.
    """
    content = path.read_bytes()
    size = len(_digest(b""))
    return content[-size:] == _digest(content[:-size])


def _kept(kernel: Kernel) -> Path:
    """Return the path of a kernel's library, which is compiled first where it is not there.

    Raises:
        NoKernelError: where it cannot be compiled, or written: the disk is full, say.
    """
    path = path_of(kernel)
    try:
        if not path.exists():
            _compile(kernel, path)
    except OSError as error:
        raise NoKernelError(f"{folder()}: {error.strerror}") from error
    return path


def _compile(kernel: Kernel, path: Path) -> None:
    # In a folder of its own: several processes may be at it, and the last takes the place.
    with tempfile.TemporaryDirectory(dir=folder(), ignore_cleanup_errors=True) as room:
        source, made = Path(room) / "kernel.cpp", Path(room) / "kernel.so"
        source.write_text(kernel.source, encoding="utf-8")
        _ran([*compiler(), *FLAGS, "-I", str(HERE), str(source), "-o", str(made)])
        library = made.read_bytes()
        made.write_bytes(library + _digest(library))
        os.replace(made, path)


def _ran(command: list[str]) -> str:
    """Run the compiler and return what it prints.

    Raises:
        NoKernelError: where it fails.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except OSError as error:
        raise NoKernelError(f"{command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise NoKernelError(f"{command[0]}: no answer in {PATIENCE} s") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = [line for line in lines if "error: " in line] or lines
        reason = said[0][:200] if said else "it fails, and does not say why"
        raise NoKernelError(f"{Path(command[0]).name}: {reason}")
    return done.stdout
