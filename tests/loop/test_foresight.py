"""What `connect` finds out about a project's pictures before anybody labels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.loop.foresight import media_check, one_of_each_sort
from backend.studio.checks import Check
from backend.studio.media import MediaCache
from backend.types import Media
from model_registry import ProjectRecord
from tests.loop.house import CONFIG, House

IMAGES = {"image": Media.IMAGE}
VIDEO = (
    '<View><Labels name="l" toName="v"><Label value="a"/></Labels><Video name="v" value="$video"/>'
    '<VideoRectangle name="box" toName="v"/></View>'
)


class Pages:
    """Label Studio's list of tasks."""

    def __init__(self, *data: dict[str, Any]) -> None:
        self.rows = [{"id": number, "data": one} for number, one in enumerate(data, 1)]

    def tasks(self, project: int, page_size: int) -> Any:
        return iter(self.rows)


def found(house: House, *data: dict[str, Any], config: str = CONFIG) -> Check | None:
    return media_check(house.services, Pages(*data), ProjectRecord(1), config)  # type: ignore[arg-type]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Its media come from its own folder, and from no Label Studio."""
    made = House(tmp_path)
    made.services = replace(
        made.services, open_media=lambda url, key: MediaCache(None, tmp_path / "cache", 10, (), made.media)
    )
    return made


def test_nothing_to_look_at(house: House) -> None:
    assert found(house) is None
    assert found(house, {"image": ""}, {"text": "a"}, {"image": 7}) is None
    assert found(house, {"image": "x"}, config="<View></View>") is None


def test_pictures_that_can_be_had(house: House) -> None:
    (house.media / "1.png").write_bytes(b"a picture")
    told = found(house, *({"image": "/data/local-files/?d=1.png"} for _ in range(3)))
    assert told == Check("media", True, "can be fetched: one from each place among the first 3 tasks was tried")


@pytest.mark.parametrize(
    ("config", "field"), [(CONFIG, "image"), (VIDEO, "video")], ids=["picture", "whole video, which is not fetched"]
)
def test_a_host_that_may_not_be_asked_is_told_with_the_setting(house: House, config: str, field: str) -> None:
    told = found(house, {field: "https://images.example.org/1.mp4"}, config=config)
    assert told is not None
    assert not told.ok
    assert told.message.startswith("task 1: https://images.example.org/1.mp4: the host 'images.example.org' is neither")
    assert 'MICRO_MODELS_MEDIA_HOSTS=["images.example.org"]' in told.fix


def test_one_of_each_place_is_looked_at() -> None:
    urls = [
        "/data/upload/1/a.png", "/data/upload/1/b.png", "/data/local-files/?d=a.png", "https://a.org/1.png",
        "https://a.org/2.png", "https://b.org/1.png", "s3://bucket/1.png", "s3://bucket/2.png", "s3://other/1.png",
        "data:image/png;base64,AA", "http://[broken",
    ]  # fmt: skip
    tasks = [{"id": n, "data": {"image": url}} for n, url in enumerate(urls)]
    assert [task for _, task, _ in one_of_each_sort(tasks, IMAGES)] == [0, 2, 3, 5, 6, 8, 10]
