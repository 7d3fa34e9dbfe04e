"""The report in a real browser; skipped where there is no Chromium."""

from collections.abc import Iterator

import chromium
import pytest

pytestmark = chromium.needed


@pytest.fixture(scope="module")
def browser(small_article) -> Iterator:
    with chromium.showing(small_article.page) as driver:
        yield driver


def resize(browser, width: int) -> None:
    metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def test_the_keyboard_moves_the_slider_and_swaps_the_pictures(browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    box = browser.find_element(By.CSS_SELECTOR, "#activation-relu .slider")
    slider = box.find_element(By.TAG_NAME, "input")

    def seen() -> tuple[str, str]:
        (shown,) = (f for f in box.find_elements(By.TAG_NAME, "figure") if f.is_displayed())
        picture = shown.find_element(By.TAG_NAME, "img").get_attribute("src")
        return box.find_element(By.TAG_NAME, "output").text, picture

    before = seen()
    slider.send_keys(Keys.ARROW_RIGHT)
    after = seen()
    slider.send_keys(Keys.END)
    last = seen()
    assert [label for label, _ in (before, after, last)] == ["S = 0", "S = 0.9", "S = 0.99"]
    assert len({picture for _, picture in (before, after, last)}) == 3
    assert slider.get_attribute("aria-valuetext") == "S = 0.99"


def test_nothing_scrolls_sideways_on_a_phone(browser):
    for width in (390, 1200):
        resize(browser, width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_every_picture_is_there(browser):
    script = "return [...document.images].filter(one => !(one.complete && one.naturalWidth)).length"
    assert browser.execute_script(script) == 0


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_it_follows_light_and_dark(scheme: str, dark: bool, browser):
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, colour.strip("rgb()").split(","))) / 3
    assert (brightness < 100) == dark


def test_no_error_and_no_request(browser, small_article):
    import json

    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert {url for url in asked if not url.startswith("data:")} <= {small_article.page.as_uri()}
    assert small_article.page.as_uri() in asked
