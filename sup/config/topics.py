"""What belongs together in `--help`: topics, and what each of them shows.

Of the settings themselves it says nothing: that is in `sup.config.settings` and `.options`, and of
an experiment or a launcher in its file.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A page of help.

    Args:
        meaning: what it is about.
        settings: those that are of no group, by key.
        groups: config groups, with their options and the settings of these.
        files: below `conf`, whose comments say what they are and what is in them.
        examples: of arguments.
    """

    meaning: str
    settings: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


TOPICS = {
    "model": Topic(
        "sizes, what models are made of, initial weights",
        settings=("n_features", "n_hidden"),
        groups=("model", "init"),
        examples=("n_features=20 n_hidden=4", "init=normal 'init.std=[0.02,0.1]'"),
    ),
    "activation": Topic(
        "the function applied to the outputs, and its parameters",
        groups=("activation",),
        examples=("activation=leaky_relu 'activation.slope=[0,0.1,1]'", "-m activation=relu,gelu"),
    ),
    "importance": Topic(
        "how much each feature counts",
        groups=("importance",),
        examples=(
            "importance=relative 'importance.ratio=[0.1,1,10]' n_features=2 n_hidden=1",
            "importance=explicit n_features=3 'importance.values=[1,0.5,0.25]'",
        ),
    ),
    "data": Topic(
        "which features are present, how large they are, and from where",
        settings=("sparsity", "data", "dataset_size"),
        groups=("features", "magnitude"),
        examples=("'sparsity=[0,0.5,0.9]'", "data=quadrature n_features=2 n_hidden=1"),
    ),
    "training": Topic(
        "steps, optimizer, learning rate, device, precision",
        settings=("steps", "batch_size", "seed", "engine"),
        groups=("optimizer", "scheduler", "trainer"),
        examples=("optimizer=adamw 'optimizer.lr=[0.001,0.01]' scheduler=constant", "trainer=cpu"),
    ),
    "callbacks": Topic(
        "what happens during training, and how to leave it out",
        groups=("callbacks",),
        examples=("~callbacks.images", "callbacks.checkpoint.minutes=5"),
    ),
    "logging": Topic(
        "W&B, MLflow, CSV, TensorBoard; names and tags",
        settings=("name", "tags"),
        groups=("logger",),
        examples=("logger=none", "'logger=[csv,wandb]' logger.project=mine name=first"),
    ),
    "figures": Topic(
        "which are drawn, and as what files",
        groups=("figures",),
        examples=("figures.format=pdf", "figures=none"),
    ),
    "sweeps": Topic(
        "-m: many runs at once, their table, going on, training again",
        settings=(*("sort", "resume", "stack.max_instances", "stack.max_memory", "stack.devices"),),
        examples=(
            "-m activation=relu,gelu,solu sparsity=0,0.5,0.9,0.99 sort=loss",
            "-m activation=relu,gelu 'seed=range(100)' resume=true",
            "rerun=outputs/2026-01-31/12-00-00-000000 steps=200",
        ),
    ),
    "experiments": Topic(
        "those of the article and others, ready to be trained",
        settings=("resolution",),
        files=("experiment", "family"),
        examples=("experiment=phase_diagram resolution=11",),
    ),
    "clusters": Topic(
        "SLURM and Ray: hydra/launcher=, with its settings",
        files=("hydra/launcher/submitit_slurm", "hydra/launcher/ray"),
        examples=("-m hydra/launcher=submitit_slurm hydra.launcher.partition=gpu seed=0,1",),
    ),
    "search": Topic(
        "the best settings, by Hydra's Optuna sweeper",
        settings=("objective",),
        files=("experiment/search",),
        examples=("experiment=search objective=loss hydra.sweeper.n_trials=50",),
    ),
}
"""The pages, by name."""

MOST_USED = (
    *("activation", "sparsity", "n_features", "n_hidden", "importance", "seed", "steps"),
    *("optimizer.lr", "experiment", "logger"),
)
"""What the first page shows."""
