"""Draw one figure for each experiment, and the page that shows them (`make gallery`).

Each is trained in a quick form, on coarser grids or with fewer steps than `experiment=...` alone;
the command under a picture is the one that made it.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """A figure of the gallery.

    Args:
        experiment: its name.
        changes: of its settings, which make the quick form.
        figure: the figure's name among those that the command draws.
        caption: what it shows.
    """

    experiment: str
    changes: str
    figure: str
    caption: str

    @property
    def command(self) -> str:
        """What a user types."""
        words = [f"'{word}'" if "[" in word else word for word in self.changes.split()]
        return " ".join(["python train.py", f"experiment={self.experiment}", *words])


PICTURES = (
    Picture(
        "bottleneck",
        "activation=relu,gelu,sigmoid,solu steps=2000 seed=[0,1]",
        "gallery",
        "`WᵀW` of ten features in five dimensions, along sparsity.",
    ),
    Picture(
        "bottleneck_sizes",
        "steps=1500 batch_size=256 seed=[0,1]",
        "along_n_features",
        "Superposition in five dimensions by ReLU, by the number of features: 8, 10 and 12.",
    ),
    Picture(
        "phase_diagram",
        "activation=relu,gelu,tanh resolution=15 steps=1000 seed=[0,1,2,3]",
        "phases",
        "What becomes of the extra feature of two in one dimension.",
    ),
    Picture(
        "phase_diagram_3",
        "activation=relu,gelu resolution=8 steps=1000 seed=[0,1]",
        "phases",
        "What the extra feature of three in two dimensions shares a dimension with.",
    ),
    Picture(
        "families",
        "family=leaky_relu,sigmoid steps=1000 seed=[0,1]",
        "families",
        "How much leak, or how much room beyond 0 and 1, superposition bears.",
    ),
    Picture(
        "initialisation",
        "activation=relu,gelu n_hidden=5 steps=1000 batch_size=256 seed=[0,1]",
        "along_init_gain",
        "Superposition against the scale of the initial weights.",
    ),
    Picture(
        "dimensions",
        "activation=relu,gelu,tanh resolution=5 steps=1500 seed=0",
        "dimensions",
        "Dimensions per feature of 200 features in 20 dimensions, against 1/(1-S).",
    ),
    Picture(
        "dimensions_converged",
        "activation=relu,gelu,tanh steps=3000 batch_size=256",
        "dimensions",
        "The same, trained by Adam at ten times the rate, and down to zero.",
    ),
    Picture(
        "correlated",
        "steps=2000 seed=[0,1]",
        "vectors",
        "Three pairs of features in two dimensions, by the correlation within a pair: what comes "
        "together ends in one direction, what excludes each other keeps apart.",
    ),
    Picture(
        "one_active",
        "steps=2000 seed=[0,1,2,3,4,5,6,7]",
        "vectors",
        "Six features, one at a time, in two dimensions: a hexagon (seed 7) is best, and rare.",
    ),
    Picture(
        "absolute_value",
        "steps=2000 seed=[0,1]",
        "neurons",
        "Ten ReLU neurons that compute |x| of twenty signed features: what goes into each of them "
        "(W), and what comes out (D). Dense features take two neurons each, one for each sign; "
        "sparse ones share neurons.",
    ),
)


WITHOUT = ("search",)
"""Experiments that end in a table, and not in a figure."""


def draw(picture: Picture, folder: Path) -> None:
    """Train an experiment, and take its figure.

    Raises:
        SystemExit: where its command fails, or does not draw that figure.
    """
    place = folder / picture.experiment
    own = [f"experiment={picture.experiment}", *picture.changes.split(), "logger=none"]
    places = [f"hydra.run.dir='{place}'", f"hydra.sweep.dir='{place}'"]
    done = subprocess.run([sys.executable, "-m", "sup", *own, *places], check=False)
    drawn = place / "figures" / f"{picture.figure}.png"
    if done.returncode or not drawn.exists():
        raise SystemExit(f"error: {picture.command}: no {drawn.name}")
    (HERE / "gallery").mkdir(exist_ok=True)
    shutil.copy(drawn, HERE / "gallery" / f"{picture.experiment}.png")


def page() -> str:
    """Return the page that shows the figures."""
    others = ", ".join(f"`experiment={name}`" for name in WITHOUT)
    parts = [
        "# Gallery",
        "One figure for each experiment, made by `make gallery`, in quick forms. Without one: "
        f"{others}, which ends in a table of its trials.",
    ]
    for picture in PICTURES:
        parts += [
            f"## `experiment={picture.experiment}`",
            f"![{picture.experiment}](gallery/{picture.experiment}.png)",
            picture.caption,
            f"```sh\n{picture.command}\n```",
        ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Draw those that are named on the command line, or all, and write the page."""
    chosen = sys.argv[1:] or [picture.experiment for picture in PICTURES]
    with tempfile.TemporaryDirectory() as folder:
        for picture in PICTURES:
            if picture.experiment in chosen:
                draw(picture, Path(folder))
    (HERE / "gallery.md").write_text(page())


if __name__ == "__main__":
    main()
