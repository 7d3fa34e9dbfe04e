"""What the environment says of matplotlib neither stops a command nor makes it talk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
from sup.system.headless import headless
headless()
import matplotlib
print(matplotlib.get_backend(), matplotlib.get_cachedir())
"""


@pytest.mark.parametrize("backend", ["foo", "module://of_a_notebook"])
def test_another_backend_and_a_home_that_cannot_be_written_to(backend, tmp_path: Path):
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "below")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "MPLBACKEND": backend, "MPLCONFIGDIR": nowhere},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("agg")
    assert not done.stderr
