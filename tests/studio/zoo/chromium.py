"""What Chromium shows of files: served from memory, drawn on a white canvas, read back."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.end_to_end.browser import Browser

LOOK = """
const done = arguments[arguments.length - 1], [names, places] = arguments;
const one = name => new Promise(resolve => {
    const image = new Image();
    image.onerror = () => resolve(null);
    image.onload = () => {
        const canvas = document.createElement("canvas");
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const context = canvas.getContext("2d");
        context.fillStyle = "#fff"; context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(image, 0, 0);
        const at = ([x, y]) => [...context.getImageData(
            Math.floor(canvas.width * x), Math.floor(canvas.height * y), 1, 1).data].slice(0, 3);
        resolve({size: [canvas.width, canvas.height], colours: places.map(at)});
    };
    image.src = "/" + name;
});
(async () => { const out = {}; for (const name of names) out[name] = await one(name); done(out); })();
"""

PLAY = """
const done = arguments[arguments.length - 1], [name, times, row] = arguments;
const video = document.createElement("video"); video.muted = true; video.preload = "auto";
const wait = (event) => new Promise((resolve, reject) => {
    video.addEventListener(event, resolve, {once: true}); video.addEventListener("error", reject, {once: true}); });
(async () => {
    video.src = "/" + name; document.body.replaceChildren(video); await wait("loadeddata");
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d", {willReadFrequently: true});
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const shown = [];
    for (const time of times) {
        const sought = wait("seeked"); video.currentTime = time; await sought;
        for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);  // until it is painted
        context.clearRect(0, 0, canvas.width, canvas.height); context.drawImage(video, 0, 0);
        const data = context.getImageData(0, Math.floor(canvas.height * row), canvas.width, 1).data;
        shown.push(Array.from({length: canvas.width}, (_, x) => data[4 * x]));
    }
    done({size: [canvas.width, canvas.height], duration: video.duration, shown});
})().catch(() => done(null));
"""


class Chromium:
    """A browser that looks at files of a server of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def pictures(self, names: Sequence[str], places: Sequence[tuple[float, float]]) -> dict[str, Any]:
        """{name: its `size` and the `colours` at places (x, y) in shares of it; None for what is not shown}"""
        return self._run(LOOK, list(names), list(places))

    def video(self, name: str, times: Sequence[float], row: float) -> dict[str, Any] | None:
        """The red of one row, in a share of the height, at each of these times; None for what does not play."""
        return self._run(PLAY, name, list(times), row)

    def _run(self, script: str, *arguments: Any) -> Any:
        self._browser.driver.set_script_timeout(120)
        return self._browser.driver.execute_async_script(script, *arguments)


@contextmanager
def looking_at(files: Mapping[str, bytes], screenshots: Path) -> Iterator[Chromium]:
    """A Chromium to which these files are served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.lstrip("/"), b"<!doctype html><body></body>")
            first, last = _range(self.headers.get("Range"), len(content))
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Accept-Ranges", "bytes")
            if "Range" in self.headers:
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            self.send_header("Content-Length", str(last + 1 - first))
            self.end_headers()
            self.wfile.write(content[first : last + 1])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with Browser(f"http://127.0.0.1:{server.server_port}", screenshots) as browser:
                browser.goto("/page")
                yield Chromium(browser)
        finally:
            server.shutdown()


def _range(asked: str | None, size: int) -> tuple[int, int]:
    first, _, last = (asked or "bytes=0-").removeprefix("bytes=").partition("-")
    return int(first or 0), min(int(last), size - 1) if last else size - 1
