"""Help and docs are made from what the settings say of themselves."""

from pathlib import Path

from sup.config.describing import markdown
from sup.config.settings import all_settings

ROOT = Path(__file__).parents[3]


def test_the_page_of_settings_is_current():
    page = ROOT / "docs" / "reference" / "settings.md"
    assert page.read_text() == markdown(), "run `make docs`"


def test_the_page_names_every_setting():
    for key in all_settings():
        assert f"`{key}`" in markdown() or f"## `{key}`" in markdown(), key
