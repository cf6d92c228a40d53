"""Pages in headless Chromium: desktop and phone, light and dark; skipped without a browser."""

import importlib.util
import shutil
from pathlib import Path

import pytest
from report.pages import write_run

from ladder.report.page import make_page

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
MISSING = [
    *(["Chromium"] if BROWSER is None else []),
    *(["chromedriver"] if DRIVER is None else []),
    *(name for name in ("selenium", "axe_core_python") if importlib.util.find_spec(name) is None),
]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")

QUIET = (
    "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "disable-dev-shm-usage",
)  # fmt: skip

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in (*QUIET, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Two runs with different options, with interactive and with static charts."""
    folder = tmp_path_factory.mktemp("pages")
    runs = [write_run(folder / "a_run_with_a_rather_long_name_0"), write_run(folder / "b", adv_tau=0.045, seed=2)]
    for name, static in (("interactive", False), ("static", True)):
        (folder / f"{name}.html").write_text(make_page(runs, static=static), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def axe():
    import axe_core_python

    return (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def opened(driver, path, size, scheme):
    """Open a page as on a screen of this size and colour scheme; returns what the browser logged."""
    from selenium.webdriver.support.ui import WebDriverWait

    width, height = SIZES[size]
    scheme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get_log("performance")
    driver.get(path.as_uri())
    drawn = "return [...document.querySelectorAll('.plot')].every(plot => plot.firstElementChild)"
    WebDriverWait(driver, 60).until(lambda driver: driver.execute_script(drawn))
    return driver.get_log("browser")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["interactive", "static"])
def test_a_page(driver, pages, axe, name, size, scheme):
    log = opened(driver, pages / f"{name}.html", size, scheme)
    assert [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")] == []
    # Nothing is requested but the page itself and what it contains.
    requested = [entry["message"] for entry in driver.get_log("performance") if "requestWillBeSent" in entry["message"]]
    assert [m for m in requested if '"url":"http' in m] == []
    width = driver.execute_script("return document.documentElement.scrollWidth")
    assert width <= SIZES[size][0]
    ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[scheme]
    driver.execute_script(axe)
    found = driver.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run({resultTypes: ['violations']}).then(done)"
    )
    violations = [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]]
    assert violations == []
    assert len(found["passes"]) > 10  # axe did check the page


def test_charts_follow_the_colours_of_the_page(driver, pages):
    colors = {}
    for scheme in ("light", "dark"):
        opened(driver, pages / "interactive.html", "desktop", scheme)
        find = "return drawn.flatMap(item => item.models).map(m => m.axis_label_text_color).filter(color => color)"
        colors[scheme] = set(map(str, driver.execute_script(find)))
    assert len(colors["light"]) == len(colors["dark"]) == 1 and colors["light"] != colors["dark"]
