"""Which results lie below a path."""

from pathlib import Path

import pytest

from sup.results.finding import homes


def test_a_sweep_is_one_and_a_run_of_none_another(tmp_path: Path):
    for name in ("sweep/0", "sweep/1", "run"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "results.nc").touch()
    (tmp_path / "sweep" / "multirun.yaml").touch()
    assert homes([tmp_path]) == [tmp_path / "run", tmp_path / "sweep"]
    assert homes([tmp_path / "sweep" / "0"]) == [tmp_path / "sweep" / "0"]
    assert homes([tmp_path / "run" / "results.nc", tmp_path]) == homes([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="in it or in any directory below"):
        homes([tmp_path / "empty"])
    with pytest.raises(
        FileNotFoundError, match=r"no such file or directory \(did you mean .*sweep"
    ):
        homes([tmp_path / "swep" / "0"])
