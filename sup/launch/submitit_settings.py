"""What submitit's launchers may be told, beyond the names of its parameters, which it knows."""

from collections.abc import Mapping
from typing import Any

from sup.config.settings import AT_LEAST_ONE, AT_LEAST_ZERO, POSITIVE, Rule, SettingError

RULES = {
    "timeout_min": AT_LEAST_ONE,
    "cpus_per_task": AT_LEAST_ONE,
    "gpus_per_node": Rule("a whole number of at least 0", lambda value: value >= 0, whole=True),
    "mem_gb": POSITIVE,
    "nodes": Rule("1; a stack is trained on one node", lambda value: value == 1, whole=True),
    "tasks_per_node": Rule("1; a stack is one task", lambda value: value == 1, whole=True),
    "array_parallelism": AT_LEAST_ONE,
    "signal_delay_s": AT_LEAST_ZERO,
    "max_num_timeout": Rule("a whole number of at least 0", lambda value: value >= 0, whole=True),
}
"""What the numbers among the settings of submitit's launchers may be; null leaves them to it."""

KINDS: dict[str, tuple[type, str]] = {
    "name": (str, "a word"),
    "setup": (list, 'a list of shell commands, such as ["module load cuda"]'),
    "additional_parameters": (dict, "options of sbatch by name"),
    "stderr_to_stdout": (bool, "true or false"),
}
"""What others among those settings are."""


def check_parameter(name: str, value: Any) -> None:
    """Check one of submitit's parameters.

    Raises:
        SettingError: where it is not what `RULES` or `KINDS` say.
    """
    rule, (kind, allowed) = RULES.get(name), KINDS.get(name, (object, ""))
    if rule and not rule.admits(value):
        raise SettingError(f"hydra.launcher.{name}", value, f"must be {rule.allowed}")
    words = all(isinstance(one, str) for one in value) if kind is list else True
    if not isinstance(value, kind) or not words:
        raise SettingError(f"hydra.launcher.{name}", value, f"must be {allowed}")


def sbatch_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as sbatch takes them, which knows a flag, or its absence, but no `=False`.

    Without a word on requeue it would be up to the cluster, so false becomes an option of its own.
    """
    options = {
        name: value for name, value in given.items() if value is not None and value is not False
    }
    return options | ({"no-requeue": True} if given.get("requeue") is False else {})
