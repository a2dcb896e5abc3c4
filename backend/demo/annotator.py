"""The person of the demo: what somebody does in Label Studio's pages, done through its API."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from backend.demo.data_set import DataSet
from backend.studio.client import Studio

IMAGE = '<Image name="image" value="$image" zoom="true"/>'


def rectangle_config(classes: Sequence[str]) -> str:
    """A labeling config that asks for one box around each object of these classes."""
    return labels_config("RectangleLabels", classes)


def labels_config(tag: str, labels: Sequence[str]) -> str:
    """A labeling config with one control tag that carries its own labels, such as `BrushLabels`."""
    inside = "".join(f"<Label value={quoteattr(name)}/>" for name in labels)
    return f'<View>{IMAGE}<{tag} name="label" toName="image">{inside}</{tag}></View>'


def choices_config(labels: Sequence[str]) -> str:
    """A labeling config that asks for the one class of each frame."""
    inside = "".join(f"<Choice value={quoteattr(name)}/>" for name in labels)
    return f'<View>{IMAGE}<Choices name="label" toName="image" choice="single">{inside}</Choices></View>'


class Annotator:
    """A user of one Label Studio."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def create_project(self, title: str, config: str) -> int:
        """A project that hands out the most uncertain task first; its id."""
        return int(self.studio.create_project(title, config, sampling="Uncertainty sampling")["id"])

    def upload(self, project: int, data_set: DataSet) -> list[int]:
        """Upload every frame and make one task of each; the ids of the tasks in the frames' order."""
        urls = self.studio.upload(project, [frame.path for frame in data_set.frames])
        return self.studio.create_tasks(
            project,
            [
                {"image": url, "video": data_set.name, "frame": frame.number}
                for url, frame in zip(urls, data_set.frames, strict=True)
            ],
        )

    def submit(
        self, task: int, result: Sequence[Mapping[str, Any]], parent_prediction: int | None = None
    ) -> dict[str, Any]:
        """Submit an annotation, made from a prediction or from nothing; what Label Studio stored."""
        parent = {} if parent_prediction is None else {"parent_prediction": parent_prediction}
        return self.studio.annotate(task, result, **parent)

    def predictions(self, project: int) -> dict[int, list[dict[str, Any]]]:
        """All predictions of a project, by task, oldest first."""
        by_task: dict[int, list[dict[str, Any]]] = defaultdict(list)
        found = self.studio.http.json("GET", "api/predictions/", params={"project": project})
        for prediction in sorted(found, key=lambda item: int(item["id"])):
            by_task[int(prediction["task"])].append(prediction)
        return dict(by_task)
