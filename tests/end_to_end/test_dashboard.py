"""The dashboard in a real browser, over a registry as full as the issue asks for; Label Studio is not needed."""

import threading
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from backend.demo.child import free_port
from backend.loop.services import Services, make_services
from backend.settings import Settings
from backend.web.app import create_app
from model_registry import Lease, open_registry
from tests.end_to_end import browser as browsing
from tests.end_to_end.browser import Browser
from tests.loop.house import FakeStudio, Words
from tests.web.filling import draw_frames, fill

pytestmark = [pytest.mark.slow, pytest.mark.browser]
SCREENSHOTS = Path(__file__).parent / "screenshots"
GROUP = "/projects/1/groups/clip-0000.mp4"
TRAINING = "/projects/3/groups/clip-0002.mp4"
PAGES = {"front": "/", "project": "/projects/1", "group": GROUP, "failed": "/projects/1/groups/clip-0003.mp4"}
WHERE_THE_FOCUS_IS = """
    const e = document.activeElement, style = getComputedStyle(e);
    const what = e.id || e.getAttribute("aria-label") || e.textContent.trim();
    return [e.tagName, what, e.getAttribute("href") || "", style.outlineStyle, e === document.body];
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("dashboard")
    media = folder / "media"
    media.mkdir()
    draw_frames(media)
    settings = Settings(
        data_dir=folder / "data", document_root=media, label_studio_url="http://studio.test", label_studio_api_key="key"
    )  # type: ignore[call-arg]
    with open_registry(settings.database, settings.artifacts) as registry:
        fill(registry, time.time(), group_count=600)
        studio: Any = FakeStudio()
        yield make_services(settings, registry, Words(), time.time, lambda url, key: studio)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def address(services: Services) -> Iterator[str]:
    """A server in this process: nothing trains beside it."""
    port = free_port(0)
    server = uvicorn.Server(uvicorn.Config(create_app(services), host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def window(address: str) -> Iterator[Browser]:
    if reason := browsing.missing():
        pytest.skip(reason)
    with Browser(address, SCREENSHOTS) as opened:
        yield opened


@pytest.fixture(autouse=True)
def plain(window: Browser) -> None:
    look_like(window)


def look_like(window: Browser, *, dark: bool = False, width: int = 1280, height: int = 900) -> None:
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    window.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    window.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def complaints(window: Browser) -> list[str]:
    """What the browser's console says, such as a file that the policy forbids."""
    return [entry["message"] for entry in window.driver.get_log("browser")]


def test_progress_moves_without_a_reload(window: Browser, services: Services) -> None:
    window.goto(TRAINING)
    window.driver.execute_script("window.stayed = true")
    assert "40 %" in window.find("#live").text
    services.registry.groups.progress(Lease(3, "clip-0002.mp4", "worker"), "training", 0.75, 9.0)
    window.until(lambda: "75 %, 9 s left" in window.find("#live").text, "the progress to move", 60)
    assert window.find("progress").get_attribute("value") == "0.75"
    services.registry.groups.progress(Lease(3, "clip-0002.mp4", "worker"), "training", 0.4, 21.0)
    window.until(lambda: "40 %, 21 s left" in window.find("#live").text, "the progress to move back", 60)
    assert window.driver.execute_script("return window.stayed")
    assert complaints(window) == []


def test_the_focus_survives_what_changes(window: Browser, services: Services) -> None:
    window.goto("/")
    link = window.find_text("clip-0002.mp4", "#live a")
    window.driver.execute_script("arguments[0].focus()", link)
    services.registry.groups.progress(Lease(3, "clip-0002.mp4", "worker"), "training", 0.6, 15.0)
    window.until(lambda: "60 %, 15 s left" in window.find("#live").text, "the progress to move", 60)
    assert window.driver.switch_to.active_element.text == "clip-0002.mp4"
    services.registry.groups.progress(Lease(3, "clip-0002.mp4", "worker"), "training", 0.4, 21.0)


def test_a_new_label_renews_the_page_and_is_said_aloud(window: Browser, services: Services) -> None:
    window.goto(GROUP)
    window.driver.execute_script("window.stayed = true")
    services.registry.groups.force(1, "clip-0000.mp4")
    window.until(lambda: "queued" in window.find("#live").text, "the state to change", 60)
    heard = window.driver.find_element(By.ID, "news")
    window.until(lambda: heard.get_attribute("textContent") == "clip-0000.mp4: queued", "the news to be told", 60)
    assert window.driver.execute_script("return window.stayed")


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_the_keyboard_reaches_everything(window: Browser, path: str) -> None:
    window.goto(path)
    wanted = window.driver.execute_script(
        "return [...document.querySelectorAll('a[href], button, summary, select, input:not([type=hidden]), [tabindex=\"0\"]')]"
        ".filter(e => e.checkVisibility()).length"
    )
    reached = []
    for _ in range(wanted + 1):
        ActionChains(window.driver).send_keys(Keys.TAB).perform()
        *where, outline, body = window.driver.execute_script(WHERE_THE_FOCUS_IS)
        if body:
            break
        assert outline != "none", f"no focus mark on {where}"
        reached.append(where)
    assert len(reached) == wanted
    assert reached[0][2] == "#main"


def test_buttons_work_from_the_keyboard(window: Browser, services: Services) -> None:
    window.goto("/projects/2/groups/clip-0001.mp4")
    pin = window.find("button[aria-label='Pin version 5 of label']")
    window.driver.execute_script("arguments[0].focus()", pin)
    ActionChains(window.driver).send_keys(Keys.ENTER).perform()
    assert "Pinned" in window.find(".said").text
    assert services.registry.versions.pins(2, "clip-0001.mp4")
    window.click("button[aria-label='Unpin version 5 of label']")
    assert "The pin is lifted" in window.find(".said").text
    assert not services.registry.versions.pins(2, "clip-0001.mp4")


def test_searching_and_sorting(window: Browser) -> None:
    window.goto("/projects/1")
    window.find("#search").send_keys("clip-03", Keys.ENTER)
    window.until(lambda: "search=clip-03" in window.driver.current_url, "the search")
    window.click_text("Group", "thead a")
    window.until(lambda: "sort=name" in window.driver.current_url, "the order")
    assert "search=clip-03" in window.driver.current_url
    assert [e.text for e in window.visible("tbody th a")][:2] == ["clip-0300.mp4", "clip-0303.mp4"]


@pytest.mark.parametrize(
    ("kind", "dark", "width"), [("light", False, 1280), ("dark", True, 1280), ("phone", True, 375)]
)
@pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=PAGES)
def test_how_it_looks(window: Browser, kind: str, dark: bool, width: int, name: str, path: str) -> None:
    look_like(window, dark=dark, width=width, height=812 if width < 500 else 900)
    window.goto(path)
    loaded = "return [...document.images].slice(0, 4).every(i => i.complete && i.naturalWidth > 0)"
    window.until(lambda: window.driver.execute_script(loaded), "the pictures to load")
    sizes = "return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    across, down = window.driver.execute_script(sizes)
    assert across <= width
    look_like(window, dark=dark, width=width, height=min(down, 3000))
    assert window.screenshot(f"dashboard-{name}-{kind}").stat().st_size > 10_000
    ground = window.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in ground[4:-1].split(",")) < 300) is dark
    assert complaints(window) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_axe_finds_nothing(window: Browser, path: str, dark: bool) -> None:
    look_like(window, dark=dark)
    window.goto(path)
    window.driver.execute_script((files("axe_core_python") / "axe.min.js").read_text())
    found = window.driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    assert [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]] == []


def test_a_server_that_is_gone_is_told(window: Browser) -> None:
    window.goto("/")
    window.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    window.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    assert "Connection lost" in window.find("#beat").text
    window.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline | {"offline": False})
    window.until(lambda: not window.visible("#beat"), "the connection to come back", 60)
