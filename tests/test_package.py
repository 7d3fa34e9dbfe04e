"""The installed package: everything the command needs, and no name that could clash."""

import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import sup

ROOT = Path(__file__).parent.parent

OWN = """
import torch


def shifted(z, by=0.1):
    return torch.relu(z - by)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from a copy of the checkout, which the build would write to."""
    folder = tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns(".*", "outputs", "docs", "tests", "benchmarks", "*.egg-info")
    shutil.copytree(ROOT, folder / "source", symlinks=True, ignore=left_out)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    built = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, folder / "source"]
    subprocess.run(built, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    installed = [*pip, "install", "--no-deps", "--no-index", "--target", folder / "site", found]
    subprocess.run(installed, check=True, capture_output=True)
    return found


def test_it_brings_two_top_level_names(wheel: Path):
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"sup", "hydra_plugins"}


def test_it_brings_what_kernels_are_compiled_from(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    for path in (ROOT / "sup" / "training" / "native").glob("*.[ch]*"):
        assert str(path.relative_to(ROOT)) in names


def test_the_command_works_without_the_checkout(wheel: Path, tmp_path: Path):
    site = wheel.parent / "site"
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "conf" / "activation").mkdir(parents=True)
    (tmp_path / "conf" / "activation" / "mine.yaml").write_text("_target_: own.shifted\nby: 0.2\n")
    chosen = ["--config-dir", "conf", "activation=mine", "activation.by=[0.1,0.2]"]
    done = subprocess.run(
        [site / "bin" / "superposition", *chosen, "steps=3", "logger=none", "figures=none"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (directory,) = tmp_path.glob("outputs/*/*")
    results = sup.load_run(directory)
    assert results["activation"].item() == "mine"
    assert results["activation_by"].values.tolist() == [0.1, 0.2]


@pytest.mark.parametrize("name", ["train.py", "sup/__init__.py"])
def test_windows_is_told_in_one_line(name: str, monkeypatch: pytest.MonkeyPatch):
    for module in [one for one in sys.modules if one.partition(".")[0] == "sup"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match="Windows is not supported; WSL"):
        runpy.run_path(str(ROOT / name), run_name="__main__")


LAZY = """
import runpy, sys
for name in ("wandb", "ray", "submitit"):
    sys.modules[name] = None  # as if it were not installed
sys.argv = ["train.py", "steps=3", "logger=none", "figures=none"]
runpy.run_path(sys.path.pop(), run_name="__main__")
assert not any(name.startswith("sup.figures") for name in sys.modules)
"""


def test_what_is_not_used_need_not_be_installed(tmp_path: Path):
    script = f"import sys; sys.path.append({str(ROOT / 'train.py')!r})\n{LAZY}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "module://of_a_notebook"},  # whose cell this may be
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_it_has_types(wheel: Path):
    assert "sup/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_there_is_one_version():
    assert f"version: {sup.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {sup.__version__}," in (ROOT / "CHANGELOG.md").read_text()


def test_hooks_before_a_commit_are_what_make_test_begins_with():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    said = (ROOT / "Makefile").read_text().replace("$(VENV)", ".venv")
    for hook in hooks:
        command = hook["entry"].replace(" --force-exclude", "")
        assert f"\t{command}" in said
