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


def test_the_explorer_stands_in_it_whole_and_follows_the_keyboard(browser):
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.select import Select

    frame = browser.find_element("css selector", "#explorer iframe")
    tall = "return arguments[0].offsetHeight - arguments[0].contentDocument.body.scrollHeight"
    assert browser.execute_script(tall, frame) >= 0
    browser.switch_to.frame(frame)
    try:
        box = browser.find_element("xpath", "//form//label[contains(., 'results')]/*[last()]")
        Select(box).select_by_visible_text("bottleneck")
        slider = browser.find_element("xpath", "//form//label[contains(., 'sparsity')]/*[last()]")
        drawn = "return JSON.stringify(Array.from(explorer.model.W))"
        seen = [(slider.get_attribute("aria-valuetext"), browser.execute_script(drawn))]
        for key in (Keys.ARROW_RIGHT, Keys.END):
            slider.send_keys(key)
            idle = "return explorer.waiting === null"
            while not browser.execute_script(idle):
                pass
            seen.append((slider.get_attribute("aria-valuetext"), browser.execute_script(drawn)))
    finally:
        browser.switch_to.default_content()
    assert [label for label, _ in seen] == ["sparsity 0", "sparsity 0.9", "sparsity 0.99"]
    assert len({weights for _, weights in seen}) == 3


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
    assert {url for url in asked if not url.startswith(("data:", "about:"))} <= {
        small_article.page.as_uri()
    }
    assert small_article.page.as_uri() in asked
