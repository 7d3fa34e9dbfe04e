"""Make the README's picture: trains the main job and draws its weights."""

import subprocess
import sys
import tempfile
from pathlib import Path

import sup
from sup.figures.gram import gram_gallery

ROOT = Path(__file__).parent.parent

with tempfile.TemporaryDirectory() as folder:
    sweep = ("-m", "activation=relu,gelu,solu", "sparsity=0,0.5,0.9,0.99", "logger=none")
    command = [sys.executable, ROOT / "train.py", *sweep, f"hydra.sweep.dir={folder}"]
    subprocess.run(command, check=True)
    gram_gallery(sup.load_sweep(folder)).savefig(ROOT / "docs" / "gallery.png", dpi=130)
