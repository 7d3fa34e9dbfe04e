"""The page in a real browser; skipped where there is no Chromium."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest
import torch
import xarray as xr

import sup
from sup.config.activations import ACTIVATIONS

pytestmark = chromium.needed

DRAWN = "return explorer.waiting === null && pending.size === 0"
"""Whether nothing is left to be drawn."""


class Page:
    """The page, and what is asked of it."""

    def __init__(self, driver: Any, url: str):
        self.driver, self.url = driver, url

    def open(self, address: str = "") -> None:
        """Go to a view, without loading the page again."""
        self.driver.execute_script("location.hash = arguments[0]", address)
        self.wait(f"return location.hash === {json.dumps(address)}")
        self.wait(DRAWN)

    def wait(self, script: str) -> None:
        until = time.monotonic() + 30
        while not self.run(script):
            assert time.monotonic() < until, script
            time.sleep(0.02)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def control(self, name: str) -> Any:
        return self.driver.find_element("xpath", f"//form//label[contains(., '{name}')]/*[last()]")

    def heatmap(self) -> np.ndarray:
        self.wait(DRAWN)
        return np.array(self.run("return byId('gram').data[0].z.map((row) => Array.from(row))"))


@pytest.fixture(scope="module")
def browser(page: Path) -> Iterator[Page]:
    with chromium.showing(page) as driver:
        yield Page(driver, page.as_uri())


def gram(model: xr.Dataset) -> np.ndarray:
    W = model["W"].values.astype(float)
    return W.T @ W


def test_controls_move_to_that_model(browser: Page, results: dict[str, xr.Dataset]):
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.select import Select

    grid = results["grid"]
    browser.open("#.results=grid&activation=relu&sparsity=0&seed=0")
    assert np.allclose(browser.heatmap(), gram(grid.isel(activation=0, sparsity=0, seed=0)))
    slider = browser.control("sparsity")
    slider.send_keys(Keys.ARROW_RIGHT)
    assert slider.get_attribute("aria-valuetext") == "sparsity 0.9"
    assert np.allclose(browser.heatmap(), gram(grid.isel(activation=0, sparsity=1, seed=0)))
    Select(browser.control("activation")).select_by_visible_text("gelu")
    browser.control("seed").send_keys(Keys.END)
    assert np.allclose(browser.heatmap(), gram(grid.isel(activation=1, sparsity=1, seed=1)))
    browser.wait("return location.hash.includes('activation=gelu&sparsity=0.9&seed=1')")


def test_the_step_moves_the_weights(browser: Page, results: dict[str, xr.Dataset]):
    from selenium.webdriver.common.keys import Keys

    browser.open("#.results=grid&activation=relu&sparsity=0&seed=1")
    browser.control("training step").send_keys(Keys.HOME)
    model = results["grid"].isel(activation=0, sparsity=0, seed=1)
    W = model["training_W"].isel(snapshot=0).values.astype(float)
    assert np.allclose(browser.heatmap(), W.T @ W, atol=2e-3)
    browser.wait("return location.hash.includes('.step=0')")


def test_the_address_restores_a_view(browser: Page, results: dict[str, xr.Dataset]):
    browser.open("#.results=grid&activation=gelu&sparsity=0.9&seed=1&.x=1:0.25,3:1")
    model = results["grid"].isel(activation=1, sparsity=1, seed=1)
    assert np.allclose(browser.heatmap(), gram(model))
    shown = browser.run(
        "return [...document.querySelectorAll('#sliders input')].map((one) => Number(one.value))"
    )
    assert shown == [0, 0.25, 0, 1, 0]
    output = browser.run("return byId('output').data[1].y")
    wanted = sup.load_model(model)(torch.tensor([0, 0.25, 0, 1, 0]))
    assert np.allclose(output, wanted.detach(), atol=1e-5)


def test_a_feature_slider_moves_the_output(browser: Page, results: dict[str, xr.Dataset]):
    from selenium.webdriver.common.keys import Keys

    browser.open("#.results=grid&activation=gelu&sparsity=0&seed=0&.x=0:1")
    browser.driver.find_element("css selector", "[data-feature='2']").send_keys(Keys.END)
    browser.wait(DRAWN)
    model = sup.load_model(results["grid"].isel(activation=1, sparsity=0, seed=0))
    x = torch.tensor([1.0, 0, 1, 0, 0])
    assert np.allclose(browser.run("return byId('output').data[1].y"), model(x).detach(), atol=1e-5)
    assert np.allclose(
        browser.run("return byId('hidden').data[0].y"), model.encode(x).detach(), atol=1e-5
    )
    assert "feature 2 along" in browser.run("return byId('curve').getAttribute('aria-label')")


def outputs(browser: Page, name: str, results: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return what page and torch make of inputs, ``[model, input, feature]``, in float64."""
    x = np.random.default_rng(1).uniform(-1, 1, (12, results.sizes["feature"]))
    script = """const held = explorer.all.find((one) => one.name === arguments[0]);
    return [...Array(held.count).keys()].map((place) => {
      const model = held.model(place);
      return arguments[1].map((x) => Array.from(reconstruct(model, x)));
    });"""
    found = np.array(browser.run(script, name, x.tolist()))
    precise = {one: results[one].astype(float) for one in ("W", "b", "decoder") if one in results}
    wanted = sup.load_model(results.assign(precise))(torch.tensor(x)).detach().numpy()
    return found, wanted


def test_every_activation_is_torchs(browser: Page, results: dict[str, xr.Dataset]):
    found, wanted = outputs(browser, "every", results["every"])
    assert found.shape[0] == len(ACTIVATIONS)
    assert np.abs(wanted).max() > 3
    for name, one, other in zip(results["every"]["activation"].values, found, wanted, strict=True):
        assert np.abs(one - other).max() < 1e-6, name


def test_a_decoder_a_hidden_activation_and_a_parameter_are_torchs(
    browser: Page, results: dict[str, xr.Dataset], odd_name: str
):
    found, wanted = outputs(browser, odd_name, results[odd_name])
    assert np.abs(found - wanted).max() < 1e-6


def test_the_nearest_model_is_shown_where_there_is_none(browser: Page):
    from selenium.webdriver.support.select import Select

    browser.open("#.results=lone&activation=elu&activation_alpha=1")
    Select(browser.control("activation")).select_by_visible_text("relu")
    browser.wait(DRAWN)
    text = browser.run("return byId('status').textContent")
    assert text == "No such model: activation alpha is none now."
    assert browser.run("return explorer.model.n") == 5


def test_an_unknown_activation_is_said_to_be_so(browser: Page):
    browser.open("#.results=own")
    text = browser.run("return byId('output').textContent")
    assert text == "The output cannot be drawn: the results do not say how cube is computed."
    assert browser.run("return document.querySelectorAll('#sliders input').length") == 20
    assert browser.heatmap().shape == (24, 24)


def test_names_are_text(browser: Page, odd_name: str):
    browser.run("explorer.choose(1)")
    browser.wait("return explorer.state.set === 1")
    assert browser.run("return explorer.results.name") == odd_name
    assert browser.run("return document.querySelectorAll('b').length") == 0


def test_views_say_what_they_show(browser: Page):
    browser.open("#.results=grid&activation=relu")
    labels = browser.run(
        "return [...document.querySelectorAll('[role=img]')].map((one) => one.ariaLabel)"
    )
    assert len(labels) == 7
    assert all(len(label) > 20 for label in labels)


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_scrolls_sideways(width: int, browser: Page):
    browser.open("#.results=grid&activation=gelu")
    metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.run("window.scrollTo(0, 0)")
    browser.wait(DRAWN)
    assert browser.run("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_page_and_figures_follow_light_and_dark(scheme: str, dark: bool, browser: Page):
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    colour = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, colour.strip("rgb()").split(","))) / 3 < 100) == dark
    ink = "#e8e8e8" if dark else "#1b1b1b"
    browser.wait(f"return byId('gram').layout.font.color === '{ink}'")


def test_no_error_and_no_request(browser: Page):
    assert browser.driver.get_log("browser") == []
    entries = browser.driver.get_log("performance")
    messages = [json.loads(entry["message"])["message"] for entry in entries]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {browser.url}
