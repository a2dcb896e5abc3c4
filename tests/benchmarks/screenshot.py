"""The README's picture of Label Studio: a screenshot of the demo's project with its predictions, in Chromium.

    python -m tests.benchmarks.screenshot [--head detection] [--frame 100] [--to label-studio.jpg]

Starts Label Studio and the backend as `make demo` does, labels five frames, waits for the predictions, opens a frame.
"""

import argparse
import tempfile
import time
from pathlib import Path

from PIL import Image
from rich.console import Console

from backend.demo.backend_server import BackendServer
from backend.demo.data_set import big_buck_bunny
from backend.demo.first_round import FirstRound
from backend.demo.label_studio_server import LabelStudioServer
from backend.types import Head
from tests.end_to_end.browser import Browser
from tests.end_to_end.conftest import label_studio_venv

PICTURES = Path(__file__).parent / "pictures"
DRAWN = "canvas"
"""What the editor draws the frame and its regions on."""
SETTLED_SECONDS = 6.0
"""The editor fades in."""
WIDTH, QUALITY = 1200, 80
"""Of the picture: pixels, and JPEG's scale of 0 to 95. Small enough for a page, large enough to read."""


def main() -> None:
    """Run the demo's round and photograph one frame of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--head", type=Head, default=Head.DETECTION)
    parser.add_argument("--frame", type=int, default=100, help="position of the frame that is opened")
    parser.add_argument("--effort", default="1.0")
    parser.add_argument("--to", type=Path, default=PICTURES / "label-studio.jpg")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        clip = big_buck_bunny(folder / "frames", asked.head)
        with LabelStudioServer(folder / "label-studio", label_studio_venv()) as studio:
            effort = {"MICRO_MODELS_EFFORT": asked.effort}
            backend = BackendServer(folder / "backend", studio.url, studio.token, extra_env=effort)
            backend.start()
            try:
                first = FirstRound(clip, 5, studio, backend, Console())
                print(first.run(folder))
                photograph(studio, first, asked.frame, folder, asked.to)
            finally:
                backend.stop()


def photograph(studio: LabelStudioServer, first: FirstRound, frame: int, folder: Path, to: Path) -> None:
    """Open a frame beside the list of tasks, and save what the window shows."""
    with Browser(studio.url, folder) as browser:
        browser.login(studio.email, studio.password)
        browser.goto(f"/projects/{first.project}/data?task={first.tasks[frame]}")
        browser.find(DRAWN, 60)
        time.sleep(SETTLED_SECONDS)
        with Image.open(browser.screenshot("label-studio")) as shot:
            height = round(shot.height * WIDTH / shot.width)
            shot.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS).save(to, quality=QUALITY)


if __name__ == "__main__":
    main()
