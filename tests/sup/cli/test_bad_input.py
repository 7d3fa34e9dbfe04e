"""Bad input ends with status 1 and one line that names key, value and what is allowed."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SHAPE = "must be a whole number in [1, 10^6]"
SEED = "must be a whole number in [0, 2^63), or a list of them"
SPARSITY = "must be a number in [0, 1 - 2^-24], or a list of them"
POSITIVE = "must be a number above 0, or a list of them"
LR = "torch.optim.lr_scheduler"
BOTTLENECK = "-m experiment=bottleneck,dimensions"

BAD = {
    # Numbers
    "n_features=0": SHAPE,
    "n_features=-3": SHAPE,
    "n_features=2.5": SHAPE,
    "n_features=ten": SHAPE,
    "n_features=1e9": SHAPE,
    "n_features=null": SHAPE,
    "n_features=true": SHAPE,
    "n_hidden=[1,2]": SHAPE,
    "steps=20 -m n_hidden=0,1": SHAPE,  # a sweep, wherever -m stands
    "n_hidden=inf": SHAPE,
    "steps=0": "must be a whole number in [1, 2^53]",
    "steps=1e40": "must be a whole number in [1, 2^53]",
    "steps=many": "must be a whole number in [1, 2^53]",
    "batch_size=-1": "must be a whole number in [1, 10^12]",
    "batch_size=1e13": "must be a whole number in [1, 10^12]",
    "batch_size=1e9": "one model would take",
    "seed=-1": SEED,
    "seed=0.5": SEED,
    "seed=a": SEED,
    "seed=9223372036854775808": SEED,
    "'seed=[0,0.5]'": SEED,
    "sparsity=1": SPARSITY,
    "sparsity=0.99999995": SPARSITY,
    "sparsity=-0.1": SPARSITY,
    "sparsity=nan": SPARSITY,
    "sparsity=": SPARSITY,
    "'sparsity=[0,[1]]'": SPARSITY,
    "'sparsity={a:1}'": SPARSITY,
    "'sparsity=[]'": "the list is empty",
    "'sparsity=[0,0.5,0]'": "0 stands twice",
    "importance.decay=0": "must be a number in (0, 1]",
    "importance.decay=2": "must be a number in (0, 1]",
    "importance=relative importance.ratio=-1": POSITIVE,
    "importance=explicit": "must be a list with a number for each feature",
    "importance=explicit 'importance.values=[1,2]'": "has 2 numbers, but n_features=10",
    "features=explicit": "must be a list with a number for each feature",
    "features=explicit n_features=2 'features.sparsity=[0,1]'": SPARSITY.partition(",")[0],
    "features=explicit n_features=1 'features.sparsity=[0]' sparsity=0.5": "has no meaning here",
    "init.gain=0": POSITIVE,
    "init=normal init.std=-1": POSITIVE,
    "optimizer.lr=0": POSITIVE,
    "optimizer.lr=nan": POSITIVE,
    "+optimizer.eps=-1.0": "at least 0",
    "optimizer.weight_decay=-1": "must be a number of at least 0",
    "scheduler.T_max=0": "must be a whole number of at least 1",
    "scheduler=constant scheduler.factor=2": "must be a number in (0, 1]",
    "callbacks.checkpoint.minutes=-1": "must be a number of at least 0",
    "callbacks.checkpoint.minutes=soon": "must be a number of at least 0",
    "stack.max_instances=0": "must be a whole number of at least 1, or null",
    "stack.max_memory=-1": "must be a number above 0, or null",
    "stack.max_memory=1e-9": "one model would take",
    "stack.devices=none": "must be a whole number of at least 1, or auto",
    "experiment=dimensions resolution=1": "must be a whole number of at least 2",
    "data=quadrature": "needs n_features of at most 3",
    # Words
    "data=exact": "must be one of sampled, quadrature",
    "engine=fast": "must be one of auto, native, triton, compiled, eager, autograd",
    "objective=accuracy": "must be one of loss,",
    "tags=pilot": "must be a list of words",
    "'name=[a]'": "must be one name",
    "resume=3": "must be a path, or true",
    "resume=": "must be a path, or true",
    "resume=nowhere": "no such file or directory",
    "trainer.accelerator=abacus": "must be one of auto, cpu, gpu",
    "sort=losss": "or null; did you mean loss?",
    "sort=-dimension_per_feature": "did you mean -dimensions_per_feature?",
    "engine=natve": "autograd; did you mean native?",
    "stack.devices=atuo": "did you mean auto?",
    "figures.format=pngg": "did you mean png?",
    "resume=./mine.tx": "(did you mean mine.txt?)",
    "rerun=./mine.tx": "no such file or directory (did you mean mine.txt?)",
    "trainer.devices=2": "more than 1 needs trainer=ddp",
    "trainer.devices=0": "must be a whole number of at least 1",
    "trainer.strategy=fsdp": "must be one of auto, ddp",
    "trainer.precision=16-mixed": "must be one of null, 32-true",
    "trainer.gradient_clip_val=0": "must be a number above 0, or null",
    "trainer.gradient_clip_algorithm=norm": "needs trainer.gradient_clip_val",
    "+trainer.num_nodes=2": "must be 1",
    "+trainer.max_steps=10": "has no effect on a stack; use steps",
    "+trainer.callbacks=null": "has no effect on a stack; use callbacks",
    "trainer=ddp batch_size=1": "is fewer than trainer.devices=2",
    "trainer=ddp stack.devices=2": "one must be 1",
    # Options of groups
    "activation=rellu": "did you mean relu? allowed: abs",
    "activation=GELU": "did you mean gelu? allowed: abs",
    "activation=": "takes one option: linear, relu",
    "'activation=[relu,gelu]'": "for a sweep: -m activation=relu,gelu",
    "importance=null": "takes one option: geometric",
    "'logger=[csv,wandbb]'": "did you mean wandb? allowed: csv, mlflow, none",
    "-m hydra/sweeper=optuna2": "did you mean optuna? allowed: basic, checked",
    "importance=0.9": "relative, explicit; or importance.decay=0.9",
    "optimizer=0.01": "or optimizer.lr=0.01",
    "'importance=[1,0.5]'": "that of each feature: importance=explicit",
    "~logger": "must be one of wandb, csv",
    "figures=all": "no such option; allowed: auto, end, none",
    "figures=pdf": "no such option; allowed: auto, end, none",
    "'figures=[png,pdf]'": "takes one option",
    "figures=null": "takes one option: auto, end, none",
    "figures.format=jpg": "must be one of png, svg, pdf, or a list of different ones",
    "'figures.format=[pdf,pdf]'": "must be one of png, svg, pdf, or a list of different ones",
    "figures.format=[]": "must be one of png, svg, pdf, or a list of different ones",
    "figures.format=png,pdf": "write 'figures.format=[png,pdf]' for all of them, or -m",
    "figures.formats=pdf": "did you mean figures.format?",
    "+figures.dpi=300": "no such setting",
    "figures._target_=torch.nn.ReLU": "must be one of auto, end, none",
    "experiment=nothing": "allowed: absolute_value, bottleneck, ",
    BOTTLENECK: "takes one experiment",
    "hydra/launcher=nothing": "allowed: basic, ray, stacked",
    "callbacks=null": "are left out one by one: ~callbacks.metrics",
    "callbacks.progress=3": "must have a _target_, or be null",
    # Keys
    "n_hiden=5": "did you mean n_hidden?",
    "hidden=5": "did you mean n_hidden?",
    "lr=0.1": "did you mean optimizer.lr?",
    "callbacks.imges=null": "did you mean callbacks.images?",
    "~callbacks.imges": "did you mean callbacks.images?",
    "hydra.sweep.dri=x": "did you mean hydra.sweep.dir?",
    "epochs=10": "did you mean steps?",
    "learning_rate=0.1": "did you mean optimizer.lr?",
    "+feature_probability=0.1": "did you mean sparsity?",
    "+step=10": "did you mean steps?",
    "+frobnicate=10": "no other refers to it",
    "+stack.gpus=1": "no such setting",
    "importance.ratio=2": "the chosen importance has none",
    "hydra.launcher.x=3": "no such setting here",
    # What is called
    "activation._target_=no_such.Thing": "cannot be loaded",
    "activation._target_=3": "must be a path",
    "activation._target_=torch.nn.PReLU": "has trainable weights",
    "activation._target_=torch.nn.Dropout": "is random",
    "activation._target_=torch.sum": "must return a tensor of the shape",
    "activation=silu +activation.inplace=true": "changes its input",
    "activation=relu +activation.slope=2": "unexpected keyword argument",
    "~importance.decay": "missing a required argument",
    "~optimizer.weight_decay optimizer._target_=torch.optim.LBFGS": "cannot be used in a stack",
    f"~scheduler.T_max scheduler._target_={LR}.ReduceLROnPlateau": "cannot be used in a stack",
    "+callbacks.mine._target_=no.Such": "cannot be loaded",
    "+callbacks.mine._target_=builtins.dict": "is no callback",
    "+callbacks.mine._target_=lightning.pytorch.callbacks.EarlyStopping": "not for stacks",
    # The grammar
    "sparsity": "write key=value",
    "--steps 100": "write steps=100",
    "--lr 0.1": "write optimizer.lr=0.1",
    "--sparsity": "write sparsity=...",
    "=3": "write key=value",
    "sparsity==3": "cannot be read",
    "'sparsity=[0,0.5'": "has a [ that is not closed",
    "'sparsity=0,0.5]'": "has a ] that is not opened",
    "name=Jürgen→": "cannot be read",
    "sparsity=0,0.5": "'sparsity=[0,0.5]' for a grid in one run, or -m sparsity=0,0.5 for a sweep",
    "activation=relu,gelu": "several values; write -m activation=relu,gelu for a sweep",
    "'sparsity=${nothing}'": "cannot be resolved",
    "'init.gain=${oc.env:NO_SUCH}'": "cannot be resolved",
    "'steps=${steps}'": "cannot be resolved",
    "-m 'seed=range(0)'": "gives no job",
    "-m 'seed=range(1000000000)'": "is more than 100000 jobs",
    "--frob": "unrecognized arguments: --frob; `",
    "--multirum seed=0,1": "unrecognized arguments: --multirum (did you mean --multirun?); `",
    "--help sweps": "did you mean sweeps? there are model, activation, ",
    "--help optimiser.lr": "did you mean optimizer.lr?",
    "--cfg everything": "choose from job, hydra, all",
    "--experimental-rerun=x.pickle": "rerun=PATH",
    # Where
    "hydra.output_subdir=null": "must be .hydra",
    "-m seed=0,1 hydra.sweep.subdir=../x": "must be within hydra.sweep.dir",
    "-m seed=0,1 'hydra.sweep.subdir=/tmp/${hydra.job.num}'": "must be within hydra.sweep.dir",
    "-m seed=0,1 hydra.sweep.subdir=same": "gives two jobs one directory",
    f"-m seed=0,1 'hydra.sweep.subdir=${{hydra.job.num}}{'x' * 300}'": "has more bytes",
    "-m seed=0,1 sparsity=0,2": SPARSITY,
    "hydra/launcher=ray": "takes sweeps",
}
"""What is typed, and what of the line says what is allowed."""

ELSEWHERE = {
    "activation=silu +activation.inplace=true": "SiLU inplace=True",
    "~logger": "logger=None",
    "activation=relu +activation.slope=2": "activation._target_=sup.model.activations.ReLU",
    "~importance.decay": "importance._target_=sup.model.importance.geometric",
    "--cfg everything": "--cfg",
    "--experimental-rerun=x.pickle": "x.pickle",
    "-m seed=0,1 sparsity=0,2": "sparsity=2",
    "--steps 100": "--steps",
    "--lr 0.1": "--lr",
    "'logger=[csv,wandbb]'": "logger=wandbb",
    "--multirum seed=0,1": "--multirum",
    "--help sweps": "--help sweps",
    "--help optimiser.lr": "--help optimiser.lr",
    "hydra.launcher.x=3": "hydra.launcher.x=3",
    "+optimizer.eps=-1.0": "eps=-1",
}
"""Lines that name key and value in another way than they were typed."""


def key_of(typed: str) -> str:
    """Return the key that a line is expected to name: of the last override, or as said above."""
    last = shlex.split(typed)[-1].lstrip("+~-").partition("=")[0]
    return ELSEWHERE.get(typed, last.removesuffix("._target_"))


@pytest.fixture(autouse=True)
def _nothing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(*_: object) -> None:
        raise AssertionError("it was not refused")

    monkeypatch.setattr("sup.sweep.train.train", trained)


@pytest.mark.parametrize("typed", BAD)
def test_one_line_and_nothing_left(typed: str, command, tmp_path: Path):
    (tmp_path / "mine.txt").write_text("as it was")
    outcome = command(*shlex.split(typed))
    assert outcome.status == 1, outcome
    line = outcome.error.strip()
    assert line.startswith("error: ")
    assert len(line.splitlines()) == 1
    assert key_of(typed) in line
    assert BAD[typed] in line
    assert outcome.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert (tmp_path / "mine.txt").read_text() == "as it was"


def test_there_are_enough_of_them():
    assert len(BAD) >= 80


@pytest.mark.parametrize("typed", ["sparsity=2", "activation=rellu", "'sparsity=${nothing}'"])
def test_hydras_switch_shows_the_traceback(typed: str, command, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    outcome = command(*shlex.split(typed))
    assert outcome.status == 1
    assert "Traceback (most recent call last)" in outcome.error


FILES = {
    "_target_: [1": "while parsing",
    "no_target: 3": "must be one of linear, relu",
    "_target_: 3": "must be a path",
    "just words": "words",
    "_target_: torch.nn.Softplus\nbeta: [1, 1]": "1 stands twice",
}
"""Files of a user's own activation, and what the line says of them."""


@pytest.mark.parametrize("text", FILES)
def test_a_bad_file_of_ones_own(text: str, command, tmp_path: Path):
    folder = tmp_path / "mine" / "activation"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(text)
    outcome = command("--config-dir=mine", "activation=own")
    assert outcome.status == 1, outcome
    assert len(outcome.error.strip().splitlines()) == 1
    assert outcome.error.startswith("error: ")
    assert FILES[text] in outcome.error
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_setting_misspelt_in_an_experiment_of_ones_own(command, tmp_path: Path):
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text("# @package _global_\nsparsty: 0.5\n")
    outcome = command("--config-dir=mine", "experiment=own")
    assert outcome.status == 1
    assert "sparsty=0.5: no such setting; did you mean sparsity?" in outcome.error


def test_a_module_beside_a_config_of_ones_own_is_found(command, tmp_path: Path, monkeypatch):
    """Started elsewhere, with the module beside the folder of the config, as beside `conf`."""
    folder = tmp_path / "elsewhere" / "conf" / "activation"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text("_target_: beside_the_config.Mine\n")
    (tmp_path / "elsewhere" / "beside_the_config.py").write_text(
        "def Mine(z):\n    raise ValueError('found it')\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    outcome = command(f"--config-dir={tmp_path}/elsewhere/conf", "activation=own")
    assert "found it" in outcome.error


def test_names_beyond_ascii_in_a_locale_without_them(tmp_path: Path):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = ["--cfg", "job", "name='Jürgen→'"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "name: Jürgen→" in done.stdout.decode("utf-8")
