"""`python -m sup.explore`."""

from pathlib import Path

import pytest
import xarray as xr

from sup.explore.__main__ import main
from sup.results.storage import save


def test_it_writes_one_page_beside_the_results(
    results: dict[str, xr.Dataset],
    odd_name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
):
    for name in ("one", "two"):
        save(results[odd_name], tmp_path / name)
    main([str(tmp_path)])
    page = tmp_path / "explorer.html"
    said = capsys.readouterr().out.splitlines()
    assert said == ["reading results ...", "writing the page ...", f"explorer: {page}"]
    html = page.read_text("utf-8")
    assert '"name":"one"' in html
    assert '"name":"two"' in html
    main([str(tmp_path / "one" / "results.nc"), "--output", str(tmp_path / "new" / "page.html")])
    assert (tmp_path / "new" / "page.html").is_file()


@pytest.mark.parametrize("content", [None, b"nonsense"])
def test_an_error_is_one_line_and_nothing_is_written(content: bytes | None, tmp_path: Path):
    if content:
        (tmp_path / "results.nc").write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path)])
    message = str(caught.value.code)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert tmp_path.name in message
    assert not list(tmp_path.glob("*explorer*"))
