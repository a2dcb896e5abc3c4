"""The first round of a whole-video task: the clip is one task, the labelled frames are keyframes of one annotation."""

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import quoteattr

from backend.demo.cases import CASES
from backend.demo.first_round import FirstRound
from backend.demo.watching import Watch, show_training
from backend.studio.labeling_config import parse
from backend.studio.tags import for_video
from backend.studio.video import write_video
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Head, Instance

RATE = 25
"""Frames a second: that of the Big Buck Bunny clip."""


class VideoRound(FirstRound):
    """One project with one video on a running Label Studio and backend."""

    def create(self) -> None:
        """Make the project, connect the backend, import the frames as one video."""
        self.case = CASES[Head.DETECTION]
        labels = "".join(f"<Label value={quoteattr(name)}/>" for name in self.data_set.classes)
        self.config = (
            f'<View><Labels name="label" toName="video">{labels}</Labels>'
            f'<Video name="video" value="$video" framerate="{RATE}"/><VideoRectangle name="box" toName="video"/></View>'
        )
        self.control = parse(self.config).require()[0]
        self.project = self.person.create_project(f"{self.data_set.name} (video, demo)", self.config)
        self.backend.connect(self.project)
        with self.console.status("Importing the video into Label Studio"), TemporaryDirectory() as folder:
            file = Path(folder) / f"{self.data_set.name}.mp4"
            write_video([frame.path for frame in self.data_set.frames], file, RATE)
            [url] = self.person.studio.upload(self.project, [file])
            self.tasks = self.person.studio.create_tasks(self.project, [{"video": url}])
        count = len(self.data_set.frames)
        self.console.print(f"Project {self.project}: one task, a video of {count} frames; backend connected.")

    def submit(self) -> float:
        """Submit one annotation: a keyframe for each box of the labelled frames."""
        size = self._size()
        boxes: dict[tuple[str, int], list[Keyframe]] = defaultdict(list)
        for position in self.labelled:
            for number, instance in enumerate(self.data_set.frames[position].truth or ()):
                boxes[instance.label, number].append(Keyframe(position + 1, instance.box))
        tracks = [Track(label, tuple(keyframes)) for (label, _), keyframes in boxes.items()]
        drawn = for_video(self.control).write(tracks, self.control, size)
        # A score is the mark of a prediction: what a person draws has none.
        self.person.submit(self.tasks[0], [{key: region[key] for key in region if key != "score"} for region in drawn])
        numbers = ", ".join(str(position + 1) for position in self.labelled)
        self.console.print(
            f"Submitted one annotation with {len(self.labelled)} keyframes (frames {numbers}). Training:"
        )
        return time.monotonic()

    def wait(self) -> None:
        """Until the backend says that the annotation is trained on and published."""
        show_training(Watch(lambda: self.backend.status(self.project), self._check_alive), 1, self.console)

    def awaited(self) -> set[int]:
        """The video itself, although it is labelled."""
        return set(self.tasks)

    def predicted(self, newest: Mapping[int, Mapping[str, Any]]) -> dict[int, tuple[Instance, ...]]:
        """Position in the video -> the boxes that Label Studio shows there."""
        size = self._size()
        result = newest[self.tasks[0]]["result"]
        scores = {region["id"]: float(region.get("score") or 0.0) for region in result}
        tracks = for_video(self.control).read(result, self.control, size).tracks
        shown: dict[int, tuple[Instance, ...]] = {}
        for position in range(size.frames):
            boxes = ((track, track.box_at(position + 1)) for track in tracks)
            shown[position] = tuple(
                Instance(track.label, box, scores.get(track.region_id or "", 0.0)) for track, box in boxes if box
            )
        return shown

    def _size(self) -> VideoSize:
        return VideoSize(self.data_set.width, self.data_set.height, len(self.data_set.frames), RATE)
