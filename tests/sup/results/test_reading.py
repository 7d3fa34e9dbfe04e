"""Results from elsewhere: each file is read, or refused in one line that names it."""

import json
import random
from pathlib import Path

import h5py
import numpy as np
import pytest

import sup
from sup.config.rules import SettingError
from sup.report import __main__ as report
from sup.results.storage import settings_of

SMALL = {"n_features": 5, "n_hidden": 2, "steps": 20, "batch_size": 64, "figures": "none"}
SECRET = np.arange(2.0)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    directory = tmp_path_factory.mktemp("sound")
    sup.train(**SMALL, seed=[0, 1], directory=directory)
    return (directory / "results.nc").read_bytes()


@pytest.fixture
def file(sound, tmp_path) -> Path:
    (tmp_path / "secret").write_bytes(SECRET.tobytes())
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["loss"] = SECRET
    path = tmp_path / "results.nc"
    path.write_bytes(sound)
    return path


def replaced(held: h5py.File, name: str, **options) -> None:
    del held[name]
    held.create_dataset(name, **options)


def external(held):
    replaced(held, "loss", shape=(2,), dtype="f8", external=[("secret", 0, 16)])


def external_link(held):
    del held["loss"]
    held["loss"] = h5py.ExternalLink("other.h5", "loss")


def soft_link(held):
    held["more"] = h5py.SoftLink("/W")


def virtual(held):
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "loss", (2,))
    del held["loss"]
    held.create_virtual_dataset("loss", layout)


def reference(held):
    held.create_dataset("more", data=np.array([held["W"].ref], h5py.ref_dtype))


def ragged(held):
    held.create_dataset("more", (2,), h5py.vlen_dtype("f8"))


def compound(held):
    held.create_dataset("more", (2,), [("a", "f8"), ("b", "f8")])


def opaque(held):
    held.create_dataset("more", (2,), "V8")


def huge(held):
    held.create_dataset("more", (2**40,), "f8")


def huge_in_chunks(held):
    held.create_dataset("more", (2**40,), "f8", chunks=(2**10,), compression="gzip")


def nested(held):
    held.create_group("more")


def without(name):
    return lambda held: held.__delitem__(name)


def attribute(name, value):
    return lambda held: held.attrs.__setitem__(name, value)


def without_attribute(name):
    return lambda held: held.attrs.__delitem__(name)


def changed(**changes):
    def change(held):
        config = json.loads(held.attrs["config"]) | changes
        held.attrs["config"] = json.dumps(config)

    return change


EVIL = {
    "data in another file": (external, "the data of loss are in other files"),
    "link to another file": (external_link, "loss is a link to elsewhere"),
    "link within": (soft_link, "more is a link to elsewhere"),
    "virtual": (virtual, "the data of loss are in other files"),
    "references": (reference, "more is of type object"),
    "ragged": (ragged, "more is of type object"),
    "compound": (compound, "more is of type"),
    "opaque": (opaque, "more is of type"),
    "huge": (huge, "more would be 8796093022208 bytes, of which 0 are there"),
    "huge in chunks": (huge_in_chunks, "more would be 8796093022208 bytes, of which 0 are there"),
    "group": (nested, "more is no variable"),
    "no loss": (without("loss"), "no variable loss"),
    "no activation": (without("activation_config"), "no variable activation_config"),
    "no config": (without_attribute("config"), "config"),
    "config is no JSON": (attribute("config", "{"), "Expecting"),
    "config is no object": (attribute("config", "[]"), ""),
    "config is a number": (attribute("config", 3), ""),
}
"""How a file is broken, and what is said of it."""

HALF = {
    "other type": lambda held: replaced(held, "loss", data=np.array(["a", "b"], "S1")),
    "other shape": lambda held: replaced(held, "loss", data=1.0),
    "a number for a name": lambda held: replaced(held, "activation", data=1),
    "no time": without_attribute("wall_time"),
    "time is a word": attribute("wall_time", "soon"),
}
"""What settings can be read of, and no results."""

WRONG = {
    "a part is missing": changed(activation=None),
    "a part is a list": changed(optimizer=[]),
    "a path is a number": changed(scheduler={"_target_": 3}),
    "callbacks are a number": changed(callbacks=3),
    "a callback is a list": changed(callbacks={"mine": []}),
    "the stack is a list": changed(stack=[1]),
    "a value is a dict": changed(sparsity={"a": 1}),
    "a size is a word": changed(n_features="many"),
    "more models than weights": changed(
        **{"seed": list(range(2000)), "sparsity": [k / 2000 for k in range(2000)]}
    ),
}
"""Configs of which no settings can be made."""


def broken(file: Path, breaking) -> None:
    with h5py.File(file, "a") as held:
        breaking(held)


@pytest.mark.parametrize("name", [*EVIL, *HALF])
def test_results_that_are_none_are_refused(name, file):
    breaking, reason = EVIL.get(name) or (HALF[name], "")
    broken(file, breaking)
    for load in (sup.load_run, sup.load_sweep):
        with pytest.raises(SettingError) as raised:
            load(file.parent)
        assert "results.nc cannot be read: " in str(raised.value)
        assert reason in str(raised.value)
        assert str(raised.value).count("\n") == 0


@pytest.mark.parametrize("name", [*EVIL, *WRONG])
def test_settings_of_such_results_are_refused(name, file):
    broken(file, EVIL[name][0] if name in EVIL else WRONG[name])
    with pytest.raises(SettingError, match=r"results\.nc cannot be read: "):
        settings_of(file.parent)


@pytest.mark.parametrize("name", WRONG)
def test_settings_are_not_made_of_them(name, file):
    broken(file, WRONG[name])
    if name != "more models than weights":  # which is a config like any other
        with pytest.raises(SettingError):
            sup.Settings.of_results(sup.load_run(file))


def test_what_is_compressed_or_has_more_is_read(file):
    whole = sup.load_run(file)
    encoding = {"W": {"zlib": True, "complevel": 9}}
    more = whole.drop_vars("hidden").assign(mine=("x", [1.0]))
    more.to_netcdf(file, engine="h5netcdf", encoding=encoding)
    again = sup.load_run(file)
    assert again["W"].equals(whole["W"].drop_vars("hidden"))
    assert again["mine"].item() == 1


def test_flipped_bytes_and_cut_files_are_read_or_refused(sound, tmp_path):
    file, rng = tmp_path / "results.nc", random.Random(0)
    refused = []
    for number in range(40):
        damaged = bytearray(sound)
        if number % 4 == 0:
            damaged = damaged[: rng.randrange(len(sound))]
        else:
            for _ in range(rng.choice([1, 3, 50])):
                damaged[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        for load in (sup.load_run, lambda path: settings_of(path.parent)):
            try:
                load(file)
            except SettingError as error:
                refused.append(str(error))
    assert len(refused) > 20
    assert all("results.nc cannot be read: " in line for line in refused)


def test_a_command_and_a_report_say_which_results_are_broken(file, command, tmp_path):
    (tmp_path / "sweep" / "0").mkdir(parents=True)
    broken(file, external)
    place = file.rename(tmp_path / "sweep" / "0" / "results.nc")
    outcome = command("-m", "seed=0", "steps=20", "logger=none", "hydra.sweep.dir=sweep")
    said = "directory=sweep/0: results.nc cannot be read: the data of loss are in other files"
    assert outcome.status == 1
    assert outcome.error.splitlines() == [f"error: {said}; remove it"]
    with pytest.raises(SystemExit) as raised:
        report.main(["--output", "page.html", "sweep"])
    assert raised.value.code == f"error: {said}; remove it"
    assert not Path("page.html").exists()
    assert place.exists()
