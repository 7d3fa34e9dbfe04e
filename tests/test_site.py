"""The documentation's site: built without a warning, whole without a network, legible anywhere."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import needed, showing

import sup

ROOT = Path(__file__).parent.parent

SCREENS = ((390, "dark"), (1200, "light"))
"""Pixels across, and colours. What fits does not depend on colours, nor contrast on the width."""

ASKED = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=["']([^"']+)""")
"""What a browser asks for to show a page, as links to others are not."""

CONTRAST = """
const [text, ground] = [getComputedStyle(document.querySelector('article p')).color,
                        getComputedStyle(document.body).backgroundColor].map(colour => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(part => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
});
return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
"""
"""Of the text and what it stands on, as WCAG 2 defines it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does, elsewhere."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"),
            *("-d", folder / "trees", ROOT / "docs", folder / "pages"),
        ],
        cwd=ROOT,  # whose `sup` it is of
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "pages"


@pytest.fixture(scope="module")
def browser(site: Path) -> Iterator[Any]:
    with showing(site / "index.html") as driver:
        yield driver


def show(browser: Any, page: Path, width: int, scheme: str) -> None:
    """Open a page on a screen of some width, light or dark."""
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(page.as_uri())


def test_it_asks_nothing_of_a_network(site: Path):
    pages = [*site.rglob("*.html")]
    assert len(pages) > 10
    for page in pages:
        asked = ASKED.findall(page.read_text("utf-8"))
        assert asked
        assert not [one for one in asked if re.match(r"(https?:)?//", one)], page.name
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert not re.search(r"""@import|url\(\s*["']?(https?:)?//""", text), sheet.name


def test_the_reference_names_all_that_is_public(site: Path):
    named = "".join(page.read_text("utf-8") for page in (site / "reference").glob("*.html"))
    modules = {"diagrams", "figures", "metrics", "phases", "published", "theory"}
    for name in set(sup.__all__) - modules:
        assert f'id="sup.{name}"' in named, name
    for name in sup.figures.__all__:
        assert f'id="sup.figures.{name}"' in named, name
    for module in modules:
        assert f">sup.{module}<" in named, module


def test_notebooks_are_pages_with_their_outputs(site: Path):
    notebooks = [*(ROOT / "examples").glob("*.ipynb")]
    assert notebooks
    for notebook in notebooks:
        page = (site / "tutorial" / "notebooks" / f"{notebook.stem}.html").read_text("utf-8")
        shown = sum("image/png" in output.get("data", {}) for output in outputs_of(notebook))
        assert shown == page.count('src="../../_images/'), notebook.name


def outputs_of(notebook: Path) -> list[dict[str, Any]]:
    """Return what a notebook's cells have put out."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", ())]


def test_a_picture_leads_to_itself_in_full_size(site: Path):
    page = (site / "gallery.html").read_text("utf-8")
    opened = re.findall(r'href="(_images/[^"]+)"><img[^>]*src="([^"]+)"', page)
    assert len(opened) == len(list((ROOT / "docs" / "gallery").glob("*.png")))
    assert all(large == shown and (site / large).exists() for large, shown in opened)


@needed
def test_its_search_works_from_a_file(browser: Any, site: Path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    browser.get((site / "search.html").as_uri() + "?q=sparsity")

    def has_found(driver: Any) -> bool:  # one after the other is shown
        found = driver.find_elements(By.CSS_SELECTOR, "ul.search a")
        return any("reference/settings.html" in link.get_attribute("href") for link in found)

    WebDriverWait(browser, 10).until(has_found)


@needed
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_its_pages_fit_the_screen_and_can_be_read(
    browser: Any, site: Path, width: int, scheme: str
):
    wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    browser.get_log("browser")
    for page in site.rglob("*.html"):
        if page.parent.name == "_static" or page.name in ("genindex.html", "py-modindex.html"):
            continue
        show(browser, page, width, scheme)
        assert browser.execute_script(wider) <= 0, page.name
        if browser.execute_script("return document.querySelector('article p')"):
            assert browser.execute_script(CONTRAST) > 7, page.name
    assert not browser.get_log("browser")


@needed
def test_the_browser_asks_for_files_alone(browser: Any, site: Path):
    browser.get((site / "gallery.html").as_uri())
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [one["params"]["request"]["url"] for one in messages if "request" in one["params"]]
    assert sent
    assert all(url.startswith(("file:", "data:", "devtools:")) for url in sent)
