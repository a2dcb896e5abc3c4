"""How long the dashboard's pages take with 3 projects, 2,000 groups and 10,000 versions; and when they are painted.

    python -m tests.benchmarks.dashboard [--groups 2000] [--times 20]

Fills a registry of its own, serves it, and asks from a second process's view: over HTTP, and in Chromium where it is
installed. Nothing else should run meanwhile.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from pydantic import SecretStr

from backend.demo.child import free_port
from backend.loop.services import make_services
from backend.settings import Settings
from model_registry import open_registry
from tests.end_to_end import browser as browsing
from tests.loop.house import FakeStudio, Words
from tests.web.filling import draw_frames, fill

PAGES = {
    "first page": "/",
    "project": "/projects/1",
    "by labels": "/projects/1?sort=labelled&descending=true",
    "by efficiency": "/projects/1?sort=efficiency",
    "by score": "/projects/1?sort=score",
    "search": "/projects/1?search=clip-01",
    "last page": "/projects/1?page=14",
    "group": "/projects/1/groups/clip-0000.mp4",
    "live: first page": "/?part=live",
    "live: project": "/projects/1?part=live",
    "live: group": "/projects/1/groups/clip-0000.mp4?part=live",
}
PAINTED = "return performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server of its own process on a filled folder."""
    port = free_port(0)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.dashboard", "--serve", str(folder), "--port", str(port)]
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(f"{address}/health", trust_env=False)
                break
            except httpx.ConnectError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def settings_of(folder: Path) -> Settings:
    """Where the filled registry is."""
    return Settings(
        data_dir=folder / "data", document_root=folder / "media", label_studio_url="http://studio.test",
        label_studio_api_key=SecretStr("key"),
    )  # type: ignore[call-arg]  # fmt: skip


def serve(folder: Path, port: int) -> None:
    """Serve a filled folder until the process is ended."""
    import uvicorn

    from backend.web.app import create_app

    settings = settings_of(folder)
    registry = open_registry(settings.database, settings.artifacts)
    services = make_services(settings, registry, Words(), time.time, lambda url, key: FakeStudio())  # type: ignore
    uvicorn.run(create_app(services), host="127.0.0.1", port=port, log_level="warning")


def answers(address: str, times: int) -> None:
    """Print how long each page takes to answer."""
    print(f"{'page':18s} {'first':>8s} {'p50':>8s} {'p95':>8s} {'kB':>6s}")
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as http:
        for name, path in PAGES.items():
            taken, size = list[float](), 0
            for _ in range(times + 1):
                start = time.perf_counter()
                answer = http.get(path).raise_for_status()
                taken.append(1000 * (time.perf_counter() - start))
                size = len(answer.content)
            p50, p95 = np.percentile(taken[1:], [50, 95])
            print(f"{name:18s} {taken[0]:5.0f} ms {p50:5.0f} ms {p95:5.0f} ms {size / 1000:6.1f}")


def painted(address: str, times: int) -> None:
    """Print when Chromium first paints each page's content, its cache empty."""
    if reason := browsing.missing():
        print(reason)
        return
    with tempfile.TemporaryDirectory() as shots, browsing.Browser(address, Path(shots)) as window:
        window.driver.execute_cdp_cmd("Network.enable", {})
        window.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
        window.goto("/health")
        for name in ("first page", "project", "group"):
            taken = list[float]()
            for _ in range(times):
                window.goto(PAGES[name])
                taken += window.until(lambda: window.driver.execute_script(PAINTED), "the first paint")
            print(f"{name:18s} first contentful paint: p50 {np.median(taken):4.0f} ms, most {max(taken):4.0f} ms")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=2000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.port)
        return
    with tempfile.TemporaryDirectory(prefix="dashboard-") as name:
        folder = Path(name)
        (folder / "media").mkdir()
        draw_frames(folder / "media")
        settings = settings_of(folder)
        with open_registry(settings.database, settings.artifacts) as registry:
            fill(registry, time.time(), group_count=arguments.groups)
        with served(folder) as address:
            answers(address, arguments.times)
            painted(address, max(3, arguments.times // 4))


if __name__ == "__main__":
    main()
