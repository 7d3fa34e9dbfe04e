"""What stands under a name is whole, and nothing else is written."""

import pytest

from sup.system.files import replacing


def test_a_planted_link_is_replaced_and_not_followed(tmp_path):
    target, path = tmp_path / "mine", tmp_path / "results"
    target.write_text("precious")
    for name in ("results", ".results.unfinished"):
        (tmp_path / name).symlink_to(target)
    with replacing(path) as unfinished:
        unfinished.write_text("new")
    assert target.read_text() == "precious"
    assert path.read_text() == "new"
    assert not path.is_symlink()
    assert {file.name for file in tmp_path.iterdir()} == {"mine", "results"}


def written_until_it_fails(path):
    with replacing(path) as unfinished:
        unfinished.write_text("ne")
        raise OSError("full")


def test_what_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "results"
    path.write_text("old")
    with pytest.raises(OSError, match="full"):
        written_until_it_fails(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("results", "old")]
