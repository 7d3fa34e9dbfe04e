"""Whether settings are allowed: each by itself, and together. Neither torch nor files."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sup.config.callbacks import check_foreign
from sup.config.drawing import check_drawing
from sup.config.fields import Setting
from sup.config.grid import INSTANCE_PARTS, RATES, is_axis, own_rates
from sup.config.options import CALLBACKS, OPTIONS, VARIABLES, has_sparsity, option_of, setting_of
from sup.config.part import Part
from sup.config.rules import ANY_NUMBER, Rule, SettingError
from sup.config.several import members
from sup.config.stacking import StackSettings
from sup.config.trainer import check_devices, check_trainer

WITH_KINKS = ("relu",)
"""Hidden activations whose slope jumps."""


def described(kind: type) -> dict[str, Setting]:
    """Return the settings that a dataclass of settings has itself, by name."""
    found = ((one.name, one.metadata) for one in fields(kind) if "setting" in one.metadata)
    return {name: held["setting"] for name, held in found if not held.get("group")}


def check_kinds(values: Mapping[str, Any]) -> None:
    """Check what is no single value: callbacks, the stack's settings, variables.

    Raises:
        SettingError: where one is something else.
    """
    kinds = {"callbacks": Mapping, "stack": StackSettings, "variables": Mapping}
    for name, kind in kinds.items():
        if name in values and not isinstance(values[name], kind):
            allowed = {"stack": "must be given as stack_devices=2"}.get(name, "must be a dict")
            raise SettingError(name, values[name], allowed)
    for name, part in values.get("callbacks", {}).items():
        if part is not None and not isinstance(part, Part):
            raise SettingError(f"callbacks.{name}", part, "must be a sup.Part, or None")


def check_values(settings: Any) -> None:
    """Check each value by itself.

    Raises:
        SettingError: for the first that is not allowed.
    """
    for name, about in described(type(settings)).items():
        if name != "sparsity" or has_sparsity(settings.features):
            check_value(name, getattr(settings, name), about)
    for name, about in described(type(settings.stack)).items():
        check_value(f"stack.{name}", getattr(settings.stack, name), about)
    for group in OPTIONS:
        for part in members(getattr(settings, group)).values():
            check_part(group, part)
    for name, part in settings.callbacks.items():
        if part:
            check_foreign(name, part.path)
        known = CALLBACKS[name].settings if part and name in CALLBACKS else {}
        for key, about in known.items():
            if part and key in part.parameters:
                check_value(f"callbacks.{name}.{key}", part.parameters[key], about)
    for name, about in VARIABLES.items():
        if settings.variables.get(name) is not None:
            check_value(name, settings.variables[name], about)


def check_part(group: str, part: Part) -> None:
    """Check the parameters of a part; a user's own axes may be any finite numbers.

    Raises:
        SettingError: for the first that is not allowed.
    """
    for name, value in part.parameters.items():
        about = setting_of(group, part, name)
        if about is None and group in INSTANCE_PARTS:
            if not is_axis(group, part, name, value):
                continue
            about = Setting(None, ANY_NUMBER, "", axis=True)
        if about and not (isinstance(value, str) and value == about.default):
            check_value(f"{group}.{name}", value, about)


def check_value(key: str, value: Any, about: Setting) -> None:
    """Check one setting: a value, an axis, or a list with a number for each feature.

    Raises:
        SettingError: where it is not allowed.
    """
    if about.axis:
        check_axis(key, value, about.rule)
    elif about.per_feature:
        if not isinstance(value, list):
            raise SettingError(key, value, "must be a list with a number for each feature")
        for one in value:
            about.rule.check(key, one)
    else:
        about.rule.check(key, value)


def check_axis(key: str, value: Any, rule: Rule) -> None:
    """Check an axis setting: a number, or a list of different numbers.

    Raises:
        SettingError: where it is neither.
    """
    allowed = f"must be {rule.allowed}, or a list of them"
    values = value if isinstance(value, list) else [value]
    if not values:
        raise SettingError(key, value, f"the list is empty; {allowed}")
    for one in values:
        if not rule.admits(one):
            raise SettingError(key, one, allowed)
        if values.count(one) > 1:
            raise SettingError(key, value, f"{one} stands twice; the values of a list must differ")


def check_together(settings: Any) -> None:
    """Check that settings go together.

    Raises:
        SettingError: where two do not.
    """
    if settings.data == "quadrature" and settings.n_features > 3:
        needed = f"needs n_features of at most 3, not {settings.n_features}"
        raise SettingError("data", settings.data, needed)
    check_lists(settings)
    check_modelled(settings)
    check_groups(settings)
    rates = own_rates(settings)
    for name, value in settings.optimizer.parameters.items():
        if isinstance(value, list) and name in RATES and name not in rates:
            raise SettingError(f"optimizer.{name}", value, "must be one number with this optimizer")
    is_path = isinstance(settings.resume, str) and settings.resume
    if not (settings.resume in (None, True, False) or is_path):
        raise SettingError("resume", settings.resume, "must be a path, or true")
    check_drawing(settings)
    check_trainer(settings.trainer.parameters)
    check_devices(settings)


def check_modelled(settings: Any) -> None:
    """Check that features, magnitude and model go with each other, and with how data is made.

    Raises:
        SettingError: where they do not.
    """
    magnitude = settings.magnitude.parameters
    if {"low", "high"} <= magnitude.keys():
        low, high = (as_list(magnitude[name]) for name in ("low", "high"))
        if max(low) >= min(high):
            allowed = f"must be below magnitude.high={min(high)}"
            raise SettingError("magnitude.low", max(low), allowed)
    size, batch = settings.dataset_size, settings.batch_size
    if size and size > batch and size % batch:
        allowed = f"must be at most batch_size={batch}, or a multiple of it"
        raise SettingError("dataset_size", size, allowed)
    if settings.data == "quadrature":
        check_integrated(settings)


def check_integrated(settings: Any) -> None:
    """Check that nodes integrate the loss that is minimised, of the features that there are.

    Raises:
        SettingError: where they do not.
    """
    if settings.dataset_size:
        allowed = "has no meaning with data=quadrature"
        raise SettingError("dataset_size", settings.dataset_size, allowed)
    plain = {"features": ("independent", "explicit"), "magnitude": ("unit",)}
    for group, options in plain.items():
        part = getattr(settings, group)
        if part.name not in options and option_of(group, part):
            needed = f"integrates {group}={options[0]} alone, not {group}={part.name}"
            raise SettingError("data", settings.data, needed)
    model = settings.model.parameters
    for name, usual in {"noise": 0, "l1": 0, "exponent": 2}.items():
        value = model.get(name, usual)
        if any(one != usual for one in as_list(value)):
            allowed = f"must be {usual} with data=quadrature"
            raise SettingError(f"model.{name}", value, allowed)
    if (hidden := model.get("hidden_activation")) in WITH_KINKS:
        allowed = "must be smooth with data=quadrature, as its nodes do not see where h has a kink"
        raise SettingError("model.hidden_activation", hidden, allowed)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and anything else in one."""
    return value if isinstance(value, list) else [value]


def check_groups(settings: Any) -> None:
    """Check that every group of features that has an activation of its own has a feature.

    Raises:
        SettingError: where one would have none.
    """
    option = option_of("activation", settings.activation)
    if option and "of" in option.settings:
        of, n = settings.activation.parameters["of"], settings.n_features
        if len(of) > n:
            many = f"names {len(of)} activations, but n_features={n}"
            raise SettingError("activation.of", of, many)


def check_lists(settings: Any) -> None:
    """Check that a list for each feature has a number for each, and is not taken for an axis.

    Raises:
        SettingError: where it has not, or could be.
    """
    n = settings.n_features
    for group in ("importance", "features"):
        part: Part = getattr(settings, group)
        for name, value in part.parameters.items():
            about = setting_of(group, part, name)
            key = f"{group}.{name}"
            if about and about.per_feature and len(value) != n:
                many = f"has {len(value)} numbers, but n_features={n}"
                raise SettingError(key, value, many)
            if not about and isinstance(value, list) and len(value) == n and part.lists is None:
                either = (
                    f"has n_features={n} numbers: one for each feature, or {n} models? "
                    f"Say _lists_: [{name}] for the one, _lists_: [] for the other"
                )
                raise SettingError(key, value, either)
    if not has_sparsity(settings.features) and settings.sparsity not in (0, None):
        elsewhere = f"has no meaning here: features={settings.features.name} says how rare they are"
        raise SettingError("sparsity", settings.sparsity, elsewhere)
