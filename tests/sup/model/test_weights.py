"""Weights of others: which layout they have, what cannot be read, and that nothing is run."""

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import sup
from sup.model.weights import read_weights

OURS = np.random.default_rng(0).normal(size=(3, 2, 5)).astype(np.float32)
THEIRS = np.ascontiguousarray(np.moveaxis(OURS, -1, -2))
B = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)


@pytest.mark.parametrize("W", [OURS, THEIRS], ids=["ARENA", "notebook"])
@pytest.mark.parametrize("told", ["b", "n_features", "n_hidden", "layout"])
def test_whatever_tells_the_layout_is_enough(W: np.ndarray, told: str):
    layout = "hidden feature" if W is OURS else "feature hidden"
    known = {"n_features": 5, "n_hidden": 2, "layout": layout}
    read = read_weights({"W": W, "b_final": B} if told == "b" else W, **_only(known, told))
    assert np.array_equal(read.W, OURS)
    assert np.array_equal(read.b, B if told == "b" else 0 * B)


def _only(known: dict, told: str) -> dict:
    return {name: value for name, value in known.items() if name == told}


@pytest.mark.parametrize("given", [OURS, {"W": np.ones((4, 4)), "b": np.ones(4)}])
def test_a_layout_that_nothing_tells_is_asked_for(given):
    with pytest.raises(sup.SettingError, match="layout=None: must be given, 'feature hidden'"):
        read_weights(given)


def test_a_square_is_read_as_it_is_said_to_be():
    W = np.arange(9.0).reshape(3, 3)
    assert np.array_equal(read_weights(W, "hidden feature").W, W)
    assert np.array_equal(read_weights(W, "feature hidden").W, W.T)
    with pytest.raises(sup.SettingError, match="layout=None: must be given"):
        read_weights(W, n_features=3)


@pytest.mark.parametrize(
    "known", [{"n_features": 2}, {"layout": "feature hidden"}, {"n_hidden": 4}]
)
def test_what_contradicts_the_bias_is_refused(known):
    (told,) = [f"{name}={value}" for name, value in known.items()]
    with pytest.raises(sup.SettingError, match=rf"W \[3, 2, 5\], b \[3, 5\]: .*, with {told}"):
        read_weights({"W": OURS, "b_final": B}, **known)


REFUSED = {
    "holds W_enc, W_dec; needs W": {"W_enc": OURS, "W_dec": THEIRS},
    "holds both W and w": {"W": OURS, "w": OURS},
    r"W has the shape \[5\]": {"W": B[0]},
    "W is of complex numbers": {"W": OURS * 1j},
    "b is no array, but a dict": {"W": OURS, "b": {}},
    r"b \[5\]: must be": {"W": OURS, "b": B[0]},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_such_model_is_refused_in_a_line(reason: str):
    with pytest.raises(sup.SettingError, match=reason) as caught:
        read_weights(REFUSED[reason])
    assert "\n" not in str(caught.value)


def test_a_decoder_that_is_tied_is_nothing_new():
    both = {"W": OURS, "b_final": B, "W_dec": THEIRS}
    assert np.array_equal(read_weights(both).W, OURS)


@pytest.mark.parametrize("name", ["decoder", "W_dec"])
def test_a_decoder_of_its_own_is_read_in_the_order_of_ours(name: str):
    D = 2 * OURS
    for held in (D, np.ascontiguousarray(np.moveaxis(D, -1, -2))):
        read = read_weights({"W": OURS, "b": B, name: held})
        assert read.decoder is not None
        assert np.array_equal(read.decoder, D)
    with pytest.raises(sup.SettingError, match="D, E: must have one decoder at most"):
        read_weights({"W": OURS, "b": B, "D": D, "E": 3 * OURS})


def test_files_of_the_port_to_jax_are_read(tmp_path, caplog):
    """As adonath/toy-models-of-superposition-jax writes them, with losses beside weights."""
    held = {"w": THEIRS, "b_final": B, "losses": np.ones(100, np.float32)}
    path = tmp_path / "model.safetensors"
    tensors = {name: torch.tensor(values) for name, values in held.items()}
    save_file(tensors, path, {"activation": "relu", "n_steps": "100", "config": "Config(...)"})
    with caplog.at_level("INFO", "sup"):
        data = sup.load_weights(path)
    assert np.array_equal(data["W"], OURS)
    assert np.array_equal(data["b"], B)
    assert "losses [100] is not read" in caplog.text


def test_every_kind_of_file(tmp_path):
    tensors = {"W": torch.tensor(THEIRS), "b_final": torch.tensor(B)}
    torch.save(tensors, tmp_path / "a.pt")
    torch.save(torch.nn.ParameterDict(tensors).state_dict(), tmp_path / "b.pth")
    save_file(tensors, tmp_path / "c.safetensors")
    np.savez(tmp_path / "d.npz", W=THEIRS, b_final=B)
    for path in sorted(tmp_path.iterdir()):
        read = read_weights(path)
        assert np.array_equal(read.W, OURS), path
        assert np.array_equal(read.b, B), path
    np.save(tmp_path / "e.npy", THEIRS)
    assert np.array_equal(read_weights(str(tmp_path / "e.npy"), n_hidden=2).W, OURS)


def test_precision_is_kept_and_halves_are_made_single():
    assert read_weights(OURS.astype(np.float64), "hidden feature").W.dtype == torch.float64
    half = torch.tensor(OURS).bfloat16()
    assert read_weights(half, "hidden feature").W.dtype == torch.float32


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('it was run')",)


@pytest.mark.parametrize("name", ["a.pt", "a.npy", "a.npz"])
def test_nothing_in_a_file_is_run(name: str, tmp_path):
    path = tmp_path / name
    if name == "a.pt":
        torch.save({"W": Bomb()}, path)
    elif name == "a.npz":
        np.savez(path, W=np.array([Bomb()], dtype=object))
    else:
        path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(sup.SettingError, match=str(path)):
        read_weights(path)


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors", "a.npz", "a.npy"])
def test_a_broken_file_is_an_error_in_a_line(name: str, tmp_path):
    (tmp_path / name).write_bytes(b"not what it says")
    with pytest.raises(sup.SettingError, match=r"cannot be read|holds more than tensors") as caught:
        read_weights(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_no_file_and_no_such_kind(tmp_path):
    with pytest.raises(sup.SettingError, match="no such file"):
        read_weights(tmp_path / "none.pt")
    with pytest.raises(sup.SettingError, match=r"must be one of \.pt, \.pth, \.safetensors"):
        read_weights(tmp_path / "weights.h5")
