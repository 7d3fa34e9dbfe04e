"""Where curves and pictures go: the options of the config group `logger`."""

from sup.config.fields import Option, Setting
from sup.config.rules import NAME, PROJECT

_PROJECT = Setting(
    None,
    PROJECT,
    "W&B's project, MLflow's experiment; null: WANDB_PROJECT or MLFLOW_EXPERIMENT_NAME, or "
    "superposition",
)

LOGGERS: dict[str, Option] = {
    "wandb": Option(
        "sup.training.wandb_logger.wandb_logger",
        "Weights & Biases; offline unless you are logged in or set WANDB_MODE",
        {
            "project": _PROJECT,
            "entity": Setting(None, NAME, "W&B user or team; null: WANDB_ENTITY, or your default"),
        },
    ),
    "csv": Option("sup.training.loggers.csv_logger", "csv/metrics.csv"),
    "tensorboard": Option("sup.training.loggers.tensorboard_logger", "TensorBoard's files"),
    "mlflow": Option(
        "sup.training.mlflow_logger.mlflow_logger",
        "MLflow (the extra mlflow): where MLFLOW_TRACKING_URI says, or in the folder mlruns",
        {"project": _PROJECT},
    ),
    "none": Option("sup.training.loggers.no_logger", "nothing"),
}
