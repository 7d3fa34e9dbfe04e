"""Execute the notebooks here, and keep what they show (`make notebooks`)."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

HERE = Path(__file__).parent

SECONDS = 120
"""For one cell. The slowest take a few, and longer where kernels are compiled."""

METADATA = {
    "accelerator": "GPU",  # Colab offers a machine with one
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""Of each notebook: nothing that differs from machine to machine."""


def notebooks() -> list[Path]:
    """Return the notebooks, in the order of their names."""
    return sorted(HERE.glob("*.ipynb"))


@contextmanager
def kernel(environment: Mapping[str, str] | None = None) -> Iterator[NotebookClient]:
    """Start a kernel for any number of notebooks, with this checkout's `sup`, and end it.

    Args:
        environment: variables beside those of this process.
    """
    path = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    client = NotebookClient(
        new_notebook(), timeout=SECONDS, kernel_name="python3", record_timing=False
    )
    with client.setup_kernel(env={**os.environ, "PYTHONPATH": path, **(environment or {})}):
        yield client


def execute(notebook: NotebookNode, client: NotebookClient, folder: Path) -> NotebookNode:
    """Return a notebook as it is after its cells were executed in a folder.

    It does not see the names of those before it in the kernel. What they have imported need not be
    imported again, which takes longer than most notebooks.

    Raises:
        CellExecutionError: for the first cell that fails.
    """
    fresh = new_code_cell(f"%reset -f\nimport os\nos.chdir({str(folder)!r})\ndel os")
    cells = [fresh, *(nbformat.from_dict(dict(cell)) for cell in notebook.cells)]
    client.nb = new_notebook(cells=cells)
    done = client.execute(cleanup_kc=False)
    return tidy(done.cells[1:])


def tidy(cells: list[NotebookNode]) -> NotebookNode:
    """Return a notebook of executed cells, without what would change though nothing did."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number
    for cell in cells:
        cell.metadata = {}
    return new_notebook(cells=cells, metadata=METADATA)


def main() -> None:
    """Execute those that are named on the command line, or all, each in a kernel of its own."""
    for path in map(Path, sys.argv[1:] or notebooks()):
        print(f"{path.name} ...", flush=True)
        with tempfile.TemporaryDirectory() as folder, kernel() as client:
            done = execute(nbformat.read(path, as_version=4), client, Path(folder))
        nbformat.write(done, path)


if __name__ == "__main__":
    main()
