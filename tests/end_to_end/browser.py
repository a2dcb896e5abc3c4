"""A real browser in front of a real Label Studio."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have a tiny /dev/shm
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,900",
    # Nothing but this machine is reached: Label Studio's pages ask for fonts and avatars of the internet.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def missing() -> str | None:
    """Why there is no browser here; None when there is one."""
    lacking = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not installed: apt-get install chromium chromium-driver" if lacking else None


class Browser:
    """Headless Chromium, logged in to Label Studio after `login`."""

    def __init__(self, base: str, screenshots: Path) -> None:
        self.base = base
        self.screenshots = screenshots
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for flag in (*FLAGS, f"--user-data-dir={self.profile.name}"):
            options.add_argument(flag)
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))

    def login(self, email: str, password: str) -> None:
        """Log in through the page, as a person does."""
        self.goto("/user/login/")
        self.find("input[name=email]").send_keys(email)
        self.find("input[name=password]").send_keys(password, Keys.ENTER)
        self.until(lambda: "/user/login" not in self.driver.current_url, "the login to go through")

    def goto(self, path: str) -> None:
        """Open a page of Label Studio."""
        self.driver.get(self.base + path)

    def find(self, css: str, seconds: float = 30) -> WebElement:
        """The first visible element, waited for."""
        return self.until(lambda: next(iter(self.visible(css)), None), f"{css} to be visible", seconds)

    def find_text(self, text: str, css: str = "*", seconds: float = 30) -> WebElement:
        """The first visible element whose own text contains `text`, waited for."""

        return self.until(lambda: next(iter(self.visible(css, text)), None), f"{css} with the text {text!r}", seconds)

    def click(self, css: str, place: int = 0, text: str = "", seconds: float = 30) -> None:
        """Click the visible element at this place among those of the kind, waited for, also where it is just drawn anew."""

        def clicked() -> bool:
            shown = self.visible(css, text)[place:]
            for element in shown[:1]:
                element.click()
            return bool(shown)

        self.until(clicked, f"{css} with the text {text!r}, number {place}, to be clicked", seconds)

    def click_text(self, text: str, css: str = "*") -> None:
        """The same of the first one whose own text contains `text`."""
        self.click(css, text=text)

    def visible(self, css: str, text: str = "") -> list[WebElement]:
        """All visible elements now whose own text contains `text`."""
        shown = [element for element in self.driver.find_elements(By.CSS_SELECTOR, css) if element.is_displayed()]
        return [element for element in shown if text in element.text] if text else shown

    def until(self, condition: Callable[[], T | None], what: str, seconds: float = 30) -> T:
        """The first true value of `condition`; AssertionError with a screenshot when there is none in time."""
        give_up = time.monotonic() + seconds
        while True:
            try:
                if value := condition():
                    return value
            except StaleElementReferenceException:
                pass  # the page has just drawn it anew
            if time.monotonic() > give_up:
                shot = self.screenshot("failure")
                raise AssertionError(f"waited {seconds} s for {what} on {self.driver.current_url}, see {shot}")
            time.sleep(0.1)

    def fetch(self, path: str, body: Any = None) -> Any:
        """The JSON that Label Studio's page itself would get from an API, with the page's session."""
        script = """
            const done = arguments[arguments.length - 1];
            const cookie = document.cookie.match(/csrftoken=([^;]+)/);
            const post = {method: "POST", body: JSON.stringify(arguments[1]),
                          headers: {"Content-Type": "application/json", "X-CSRFToken": cookie ? cookie[1] : ""}};
            fetch(arguments[0], arguments[1] === null ? {} : post).then(r => r.json()).then(done, e => done(String(e)));
        """
        return self.driver.execute_async_script(script, path, body)

    def screenshot(self, name: str) -> Path:
        """Save what the window shows."""
        self.screenshots.mkdir(parents=True, exist_ok=True)
        path = self.screenshots / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path

    def close(self) -> None:
        """End Chromium and remove its profile."""
        self.driver.quit()
        self.profile.cleanup()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
