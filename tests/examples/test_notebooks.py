"""The notebooks run as they are, say what they said when kept, and leave nothing behind."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent.parent

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))

MOST_BYTES = 400_000

NUMBER = re.compile(r"-?\d+\.?\d*")


def script() -> Any:
    """Return examples/execute.py, which `make notebooks` runs."""
    spec = importlib.util.spec_from_file_location("execute", ROOT / "examples" / "execute.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXECUTE = script()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookClient]:
    """Start one kernel for all notebooks, on the CPU."""
    home = str(tmp_path_factory.mktemp("jupyter"))
    places = {"IPYTHONDIR": home, "JUPYTER_RUNTIME_DIR": home}
    on_cpu = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    with EXECUTE.kernel({**on_cpu, **places}) as client:
        yield client


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def said(cell: NotebookNode) -> list[tuple[str, str]]:
    """Return what a cell shows as text, each with where: a stream's name, or the kind of output."""
    texts = [(one.get("name", one.output_type), one.get("text")) for one in cell.outputs]
    shown = [one.get("data", {}).get("text/plain") for one in cell.outputs]
    return [(kind, text or plain) for (kind, text), plain in zip(texts, shown, strict=True)]


def pictures(cell: NotebookNode) -> int:
    return sum("image/png" in one.get("data", {}) for one in cell.outputs)


def check_alike(kept: str, now: str) -> None:
    """Check that two texts have the same words, and numbers that another machine may give.

    These differ by 3%, or by one in the last digit that is written of a fraction.
    """
    assert NUMBER.sub("#", kept).split() == NUMBER.sub("#", now).split()
    for one, other in zip(NUMBER.findall(kept), NUMBER.findall(now), strict=True):
        places = len(one.partition(".")[2])
        last = 1.01 * 10.0**-places if places else 0
        close = pytest.approx(float(one), rel=0.03, abs=last)
        assert float(other) == close, f"kept:\n{kept}\nnow:\n{now}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_says_what_was_kept(path: Path, kernel: NotebookClient, tmp_path: Path):
    kept, now = read(path), EXECUTE.execute(read(path), kernel, tmp_path)
    setup, *_ = code_of(now)
    assert setup.outputs == [], "it installs nothing here"
    assert list(tmp_path.iterdir()) == []
    for before, after in zip(code_of(kept), code_of(now), strict=True):
        assert pictures(before) == pictures(after), before.source
        assert len(said(before)) == len(said(after)), before.source
        for (kind, text), (now_kind, now_text) in zip(said(before), said(after), strict=True):
            assert kind == now_kind != "stderr", now_text
            check_alike(text, now_text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_whole_and_small(path: Path):
    notebook = read(path)
    nbformat.validate(notebook)
    code = code_of(notebook)
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    assert any(pictures(cell) for cell in code), "run `make notebooks`"
    assert len(notebook.cells) <= 15
    assert path.stat().st_size < MOST_BYTES
    assert notebook == EXECUTE.tidy(notebook.cells), "no metadata of this machine"


def test_texts_that_differ_are_told():
    check_alike("relu  0.204  10", "relu 0.2041 10")
    check_alike("0.007 -0.00", "0.008 0.01")
    for other in ("relu 0.25 10", "relu 0.204 9", "gelu 0.204 10", "relu 0.204"):
        with pytest.raises(AssertionError):
            check_alike("relu  0.204  10", other)


class Shell:
    """Stands for IPython: remembers the magics that are called."""

    def __init__(self) -> None:
        self.called: list[tuple[str, str]] = []

    def run_line_magic(self, name: str, line: str) -> None:
        self.called.append((name, line))


def test_elsewhere_the_first_cell_says_what_to_fill_in_and_installs_that(monkeypatch):
    (source,) = {code_of(read(path))[0].source for path in NOTEBOOKS}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shell = Shell()
    names = {"get_ipython": lambda: shell}
    with pytest.raises(ModuleNotFoundError, match="fill in SOURCE"):
        exec(TransformerManager().transform_cell(source), names)
    filled = source.replace('SOURCE = ""', 'SOURCE = "git+https://example.org/here"')
    exec(TransformerManager().transform_cell(filled), names)
    ((name, line),) = shell.called
    assert name == "pip"
    assert line.split()[0] == "install"
    assert line.split()[-1] == "{SOURCE}"  # IPython puts the value there
