"""Kernels are compiled once, safely; where that is not possible, torch trains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sup
from sup.model.activations import ReLU
from sup.training.native import compiler
from sup.training.native.source import Kernel, activation_source


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Begin as a new process does, with an empty cache below tmp_path."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    cached = (compiler.compiler, compiler.machine, compiler.folder)
    for one in cached:
        one.cache_clear()
    yield
    for one in cached:
        one.cache_clear()


def kernel(n: int = 2) -> Kernel:
    source = activation_source(ReLU())
    assert source is not None
    return Kernel(n, 1, source, quadrature=False)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("CXX", "/nonexistent/c++", "/nonexistent/c++: No such file or directory"),
        ("CXX", "false", "false: it fails, and does not say why"),
        ("PATH", "", "no C++ compiler here"),
    ],
)
def test_without_a_compiler_torch_trains(variable, value, reason, monkeypatch, caplog):
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(compiler, "find_spec", lambda name: None)
    with caplog.at_level("INFO", logger="sup"):
        data = sup.train(steps=100, batch_size=16, engine="native")
    assert f"engine: native is not possible here ({reason}); going on with torch" in caplog.text
    assert "engine: closed form" in caplog.text
    assert data["loss"].item() > 0


def test_more_features_than_a_threads_stack_holds_are_torchs(caplog):
    with caplog.at_level("INFO", logger="sup"):
        sup.train(n_features=2049, n_hidden=1, steps=1, batch_size=1, engine="native")
    assert "(it takes at most 2048 features, not 2049); going on with torch" in caplog.text


def test_a_source_that_does_not_compile_is_an_error_in_one_line():
    with pytest.raises(compiler.NoKernelError, match="error: "):
        compiler.compiled([Kernel(2, 1, "#define SOLU 0\nnonsense", quadrature=False)])
    assert not list(compiler.folder().iterdir())


def test_it_is_compiled_once_for_a_user_alone(monkeypatch):
    compiler.compiled([kernel(), kernel()])
    (kept,) = compiler.folder().iterdir()
    assert compiler.folder().stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(compiler, "_ran", lambda command: pytest.fail("compiled again"))
    compiler.compiled([kernel()])
    assert compiler.path_of(kernel()) == kept


def test_other_sources_or_flags_are_another_kernel(monkeypatch):
    paths = {compiler.path_of(kernel()), compiler.path_of(kernel(3))}
    monkeypatch.setattr(compiler, "FLAGS", (*compiler.FLAGS, "-g"))
    assert len(paths | {compiler.path_of(kernel())}) == 3


def test_one_that_is_broken_is_compiled_again():
    path = compiler.path_of(kernel())
    path.write_bytes(b"\x7fELF, and no more")
    compiler.compiled([kernel()])
    assert path.stat().st_size > 1000


def test_one_that_is_cut_short_is_compiled_again():
    path = compiler._kept(kernel())  # not loaded: the file that a process has mapped stays whole
    size = path.stat().st_size
    os.truncate(path, size // 2)
    compiler.compiled([kernel()])
    assert path.stat().st_size == size


def test_where_nothing_can_be_written_torch_trains(caplog):
    compiler.folder().rmdir()
    with caplog.at_level("INFO", logger="sup"):
        data = sup.train(steps=100, batch_size=16, engine="native")
    reason = f"{compiler.folder()}: No such file or directory"
    assert f"native is not possible here ({reason}); going on with torch" in caplog.text
    assert data["loss"].item() > 0


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path):
    theirs = tmp_path / "superposition" / "native"
    theirs.mkdir(parents=True)
    theirs.chmod(0o777)
    assert compiler.folder() != theirs
    compiler.compiled([kernel()])
    assert not list(theirs.iterdir())


def test_a_folder_whose_parent_is_others_is_not_used(tmp_path):
    theirs = tmp_path / "superposition"
    theirs.mkdir()
    theirs.chmod(0o775)
    assert theirs not in compiler.folder().parents
    assert not list(theirs.iterdir())


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "superposition").symlink_to(tmp_path / "elsewhere")
    compiler.compiled([kernel()])
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_relative_home_is_ignored(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert compiler.folder() == tmp_path / "home" / ".cache" / "superposition" / "native"
    assert not (tmp_path / "here").exists()


def test_a_compiler_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setenv("CXX", "sh -c 'exec sleep 60'")
    monkeypatch.setattr(compiler, "PATIENCE", 0.2)
    with pytest.raises(compiler.NoKernelError, match=r"no answer in 0\.2 s"):
        compiler.machine()


def test_a_home_that_cannot_be_written_to(tmp_path):
    (tmp_path / "superposition").write_text("a file, where a folder should be")
    compiler.compiled([kernel()])


@pytest.mark.slow
def test_several_processes_compile_at_once(tmp_path):
    script = "import sup; print(sup.train(steps=100, batch_size=16, engine='native')['W'].sum())"
    root = Path(__file__).parents[4]
    command = [sys.executable, "-c", script]
    started = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [process.communicate() for process in started]
    assert all(process.returncode == 0 for process in started), said
    assert len({out for out, _ in said}) == 1
    assert [path.suffix for path in (tmp_path / "superposition" / "native").iterdir()] == [".so"]
