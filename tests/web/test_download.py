"""A data set as a download: a ZIP made while it is read, for our own pages alone."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from backend.datasets import read
from backend.errors import StudioUnreachable
from backend.studio.media import MediaCache
from backend.web.dashboard.download import AT_ONCE
from tests.loop.house import House
from tests.web.test_dashboard_actions import OURS


def asked(client: TestClient, headers: dict[str, str] = OURS, **form: Any) -> Response:
    return client.post("/projects/1/export", data=form, headers=headers)


def unpacked(answer: Response, folder: Path) -> Path:
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        packed.extractall(folder)
    return folder


def test_the_archive_is_a_data_set(client: TestClient, house: House, tmp_path: Path) -> None:
    house.add_task(20, video="other")
    for task in (1, 2, 20):
        house.label(task)
    answer = asked(client, format="coco")
    assert answer.headers["content-disposition"] == 'attachment; filename="project-1-coco.zip"'
    found = list(read("coco", unpacked(answer, tmp_path / "all")))
    assert [one.about["task"] for one in found] == [1, 2, 20]
    assert all(one.picture is not None for one in found)
    found = list(read("yolo", unpacked(asked(client, format="yolo", group="other"), tmp_path / "one")))
    assert [one.name for one in found] == ["other__20"]


POINTS = (
    '<View><Image name="image" value="$image"/>'
    '<KeyPointLabels name="label" toName="image"><Label value="nose"/></KeyPointLabels></View>'
)


@pytest.mark.parametrize("format", ["deeplabcut", "sleap", "mot", "cvat", "masks"])
def test_every_kind_of_format_can_be_had(house: House, client: TestClient, tmp_path: Path, format: str) -> None:
    house.add_project(config=POINTS)
    value = {"x": 50, "y": 25, "width": 1, "keypointlabels": ["nose"]}
    size = {"original_width": 64, "original_height": 48}
    house.label(
        1, [{**size, "id": "p", "from_name": "label", "to_name": "image", "type": "keypointlabels", "value": value}]
    )
    folder = unpacked(asked(client, format=format), tmp_path / "out")
    [item] = read(format, folder)
    assert len(item.objects) == 1
    if format in ("deeplabcut", "sleap", "cvat"):
        assert item.objects.keypoints.tolist() == [[[32, 12]]]
    assert bool(list(folder.rglob("*.h5"))) == (format == "deeplabcut")


def test_what_was_left_out_stands_in_it(client: TestClient, house: House, tmp_path: Path) -> None:
    house.add_task(20, image=b"none")
    house.label(1)
    house.label(20)
    folder = unpacked(asked(client, format="coco"), tmp_path / "out")
    assert "task 20" in (folder / "left out.txt").read_text()


def test_a_studio_that_goes_away_ends_it_and_says_so(
    client: TestClient, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in (1, 2):
        house.label(task)
    path = MediaCache.path

    def away(self: MediaCache, url: str, task: int, *more: Any) -> Path:
        if task == 2:
            raise StudioUnreachable("Label Studio is away.")
        return path(self, url, task, *more)

    monkeypatch.setattr(MediaCache, "path", away)
    folder = unpacked(asked(client, format="coco"), tmp_path / "out")
    assert "Label Studio is away." in (folder / "left out.txt").read_text()


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"format": "exe"}, 422),
        ({}, 422),
        ({"format": "coco", "predictions": "some"}, 422),
        ({"format": "coco", "group": "none"}, 409),
        ({"format": "sleap"}, 409),
    ],
)
def test_what_cannot_be_had_is_told(client: TestClient, form: dict[str, str], status: int) -> None:
    for _ in range(AT_ONCE + 1):  # and leaves no place taken
        assert asked(client, **form).status_code == status


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "cross-site"}, {"origin": "https://evil.test"}])
def test_another_sites_page_gets_nothing(client: TestClient, headers: dict[str, str]) -> None:
    assert asked(client, headers, format="coco").status_code == 403


def test_both_pages_offer_it(client: TestClient) -> None:
    for page in ("/projects/1", "/projects/1/groups/clip"):
        text = client.get(page).text
        assert 'action="/projects/1/export"' in text
        assert '<option value="yolo">' in text


def test_only_so_many_at_a_time(house: House) -> None:
    from fastapi import HTTPException

    from backend.web.dashboard.download import Downloads

    house.label(1)
    downloads = Downloads(house.services)
    going = [downloads.answer(1, {"format": "coco"}) for _ in range(AT_ONCE)]
    with pytest.raises(HTTPException, match="503"):
        downloads.answer(1, {"format": "coco"})
    assert len(going) == AT_ONCE
