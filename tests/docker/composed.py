"""A project in the Label Studio of a composition: what a person does there, and what became of it."""

import json
import time
from typing import Any

import httpx

from backend.demo.annotator import Annotator, rectangle_config
from backend.demo.data_set import DataSet
from backend.demo.watching import snapshot
from backend.studio.client import Studio
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from tests.docker.composition import Composition
from tests.docker.test_compose import load
from tests.end_to_end.work import until

SERVICES = load("compose.yml")["services"]
TOKEN = SERVICES["label-studio"]["environment"]["LABEL_STUDIO_USER_TOKEN"]
LOGIN = tuple(SERVICES["backend"]["environment"][f"MICRO_MODELS_BASIC_AUTH_{name}"] for name in ("USER", "PASSWORD"))
ADDRESS, BACKEND = "http://localhost:8080", "http://localhost:9090"
"""Of Label Studio, and of the backend or the proxy before it."""
CONNECTED_SECONDS = 15.0
LEARNT_SECONDS = 600.0
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

    def predictions(self) -> dict[int, list[tuple[int, float, Any]]]:
        """Number, score and regions of all of the project's predictions, by task."""
        found = self.person.predictions(self.project)
        return {task: [(each["id"], each["score"], each["result"]) for each in own] for task, own in found.items()}

    def status(self) -> dict[str, Any]:
        """What the backend says; nothing while it is away."""
        try:
            answer = httpx.get(f"{BACKEND}/status", params={"project": self.project}, auth=LOGIN, timeout=30)
            return dict(answer.json()) if answer.status_code == 200 else {"problem": answer.text[:200]}
        except httpx.HTTPError as error:
            return {"problem": repr(error)}

    def wait_learnt(self, service: str) -> float:
        """Until all labels are learnt and every other frame has its one prediction; the seconds. `service`: whose log
        tells why not."""
        began = time.monotonic()
        others = [task for position, task in enumerate(self.tasks) if position not in self.labelled]

        def predicted() -> bool:
            found = self.predictions()
            return all(len(found.get(task, ())) == 1 for task in others)

        def explain() -> str:
            return f"{len(self.labelled)} labels learnt; {self.status()}; {self.composition.logs(service)}"

        until(lambda: snapshot(self.status()).done(len(self.labelled)), explain, LEARNT_SECONDS)
        until(predicted, explain, LEARNT_SECONDS)
        return time.monotonic() - began

    def annotations(self) -> set[int]:
        """Ids of all annotations that Label Studio holds."""
        return {int(found["id"]) for row in self.studio.tasks(self.project) for found in row["annotations"]}

    def _drawn(self, position: int) -> list[dict[str, Any]]:
        control = parse(rectangle_config(self.frames.classes)).require()[0]
        truth = self.frames.frames[position].truth or ()
        return for_control(control).write(truth, control, (self.frames.width, self.frames.height))
