"""A project in the Label Studio of a composition: what a person does there, and what became of it."""

import json
import time
from typing import Any

from backend.demo.annotator import Annotator, rectangle_config
from backend.demo.data_set import DataSet
from backend.studio.client import Studio
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from tests.docker.composition import Composition
from tests.docker.test_compose import load
from tests.end_to_end.work import until

TOKEN = load("compose.yml")["services"]["label-studio"]["environment"]["LABEL_STUDIO_USER_TOKEN"]
ADDRESS = "http://localhost:8080"
CONNECTED_SECONDS = 15.0
PREDICTED_SECONDS = 600.0
SUBMIT = f"""import json, sys, urllib.request
for task, result in json.load(sys.stdin):
    url, body = f"http://127.0.0.1:8080/api/tasks/{{task}}/annotations/", json.dumps({{"result": result}}).encode()
    headers = {{"Authorization": "Token {TOKEN}", "Content-Type": "application/json"}}
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60).read()
"""
"""Submits from inside of Label Studio's container, which works while that is cut off."""


class Composed:
    """A new project of a data set's frames; made last, so that `connect` can be watched from its making on."""

    def __init__(self, composition: Composition, studio: Studio, frames: DataSet) -> None:
        self.composition = composition
        self.studio = studio
        self.frames = frames
        self.person = Annotator(studio)
        self.project = self.person.create_project(frames.name, rectangle_config(frames.classes))
        self.made_at = time.monotonic()
        self.tasks = self.person.upload(self.project, frames)
        self.labelled: set[int] = set()

    def wait_connected(self) -> float:
        """Until `connect` has connected it by itself; seconds since the project was made."""
        until(lambda: self.studio.backends(self.project), lambda: self.composition.logs("connect"), CONNECTED_SECONDS)
        return time.monotonic() - self.made_at

    def label(self, *positions: int) -> list[float]:
        """Submit the true boxes of these frames; the seconds that each submit took."""
        took = []
        for position in positions:
            began = time.monotonic()
            self.studio.annotate(self.tasks[position], self._drawn(position))
            took.append(time.monotonic() - began)
        self.labelled |= set(positions)
        return took

    def label_inside(self, *positions: int) -> None:
        """The same in Label Studio's own container, which needs no network."""
        drawn = [(self.tasks[position], self._drawn(position)) for position in positions]
        self.composition.inside("label-studio", "python3", "-c", SUBMIT, text=json.dumps(drawn))
        self.labelled |= set(positions)

    def predictions(self) -> dict[int, list[dict[str, Any]]]:
        """All of the project's, by task."""
        return self.person.predictions(self.project)

    def wait_predicted(self, service: str) -> float:
        """Until every frame without a label has its one prediction; the seconds. `service`: whose log tells why not."""
        began = time.monotonic()
        others = [task for position, task in enumerate(self.tasks) if position not in self.labelled]

        def predicted() -> bool:
            found = self.predictions()
            return all(len(found.get(task, ())) == 1 for task in others)

        until(predicted, lambda: self.composition.logs(service), PREDICTED_SECONDS)
        return time.monotonic() - began

    def annotations(self) -> set[int]:
        """Ids of all annotations that Label Studio holds."""
        return {int(found["id"]) for row in self.studio.tasks(self.project) for found in row["annotations"]}

    def _drawn(self, position: int) -> list[dict[str, Any]]:
        control = parse(rectangle_config(self.frames.classes)).require()[0]
        truth = self.frames.frames[position].truth or ()
        return for_control(control).write(truth, control, (self.frames.width, self.frames.height))
