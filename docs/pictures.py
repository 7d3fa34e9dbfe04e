"""Make the README's pictures: from the main job, which is trained here, and from the article."""

import subprocess
import sys
import tempfile
from pathlib import Path

import sup
from sup.figures.dimensions import dimensions_figure
from sup.figures.gram import gram_gallery
from sup.figures.phase import phase_figure

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
ARTICLE = ROOT / "outputs" / "article"

with tempfile.TemporaryDirectory() as folder:
    sweep = ("-m", "activation=relu,gelu,solu", "sparsity=0,0.5,0.9,0.99", "logger=none")
    command = [sys.executable, ROOT / "train.py", *sweep, f"hydra.sweep.dir={folder}"]
    subprocess.run(command, check=True)
    gram_gallery(sup.load_sweep(folder)).savefig(PICTURES / "main-job.png", dpi=130)
phases = phase_figure(sup.load_sweep(ARTICLE / "phase_diagram"))
phases.savefig(PICTURES / "phases.png", dpi=110)
recipe, end = (sup.load_sweep(ARTICLE / name) for name in ("dimensions", "dimensions_converged"))
dimensions = dimensions_figure(recipe, end)
dimensions.savefig(PICTURES / "dimensions.png", dpi=110)
