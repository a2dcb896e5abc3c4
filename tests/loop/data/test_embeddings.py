import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

pytest.importorskip("segment_anything")

from backend.cancel import NEVER, CancelToken
from backend.errors import CheckpointError, TrainingInterrupted
from backend.loop.data import checkpoint, embeddings
from backend.loop.data.embeddings import Embeddings, embed_ahead, embed_unlabelled
from backend.loop.data.frames import FrameStore
from backend.loop.data.memory import free_bytes
from tests.learning.prompting.sam_checkpoint import tiny_checkpoint
from tests.loop.house import House, box_of
from tests.loop.predict.test_prompted import CONFIG, Asked


class Held(Asked):
    """A project whose prompts segment-anything answers."""

    def __init__(self, folder: Path, source: str = "", content: bytes | None = None) -> None:
        self.file = folder / "tiny.pth"
        if content is None:
            tiny_checkpoint(self.file)
        else:
            self.file.write_bytes(content)
        super().__init__(folder, CONFIG, sam_checkpoint=source or str(self.file))
        self.services = self.house.services
        self.project = self.services.registry.projects.require(1)
        self.frames = FrameStore(self.services.media(self.project), 100)

    def url(self, task: int) -> str:
        return str(self.house.studio.rows[task]["data"]["image"])

    def embedded(self) -> list[int]:
        there = Embeddings(self.services)
        return [t for t in (1, 2, 3) if there.find(self.url(t), self.frames.stamp(self.url(t))) is not None]

    def work(self) -> None:
        tasks = self.services.registry.tasks.of_group(1, "clip")
        embed_ahead(self.services, self.project, tasks, self.frames)


def test_a_worker_embeds_what_nobody_has_labelled_and_the_server_answers_from_it(tmp_path: Path) -> None:
    held = Held(tmp_path)
    before = held.ask(2, box_of(2)[0])["result"]
    assert [item["meta"]["text"] for item in before] == [["colours and features"]], "at once, not late"
    held.house.label(1)
    held.work()
    assert held.embedded() == [2, 3]
    there = Embeddings(held.services).find(held.url(2), held.frames.stamp(held.url(2)))
    assert there is not None
    assert (there.dtype, there.shape) == (np.float16, (32, 8, 8))
    found = held.ask(2, box_of(2)[0])["result"]
    assert len(found) == 1
    assert found[0]["meta"]["text"][0] in ("segment-anything", "the nearest labelled frame", "colours and features")


def test_before_the_first_label_of_a_single_group_it_is_done_too(tmp_path: Path) -> None:
    held = Held(tmp_path)
    held.house.work()
    assert held.embedded() == [1, 2, 3]


def test_a_frame_is_embedded_once_and_anew_when_its_picture_was_replaced(tmp_path: Path) -> None:
    held = Held(tmp_path)
    tasks = held.services.registry.tasks.of_group(1, "clip")
    made = Embeddings(held.services)
    assert made.make(tasks, "image", held.frames, NEVER) == 3
    assert made.make(tasks, "image", held.frames, NEVER) == 0
    (held.house.media / "2.png").write_bytes((held.house.media / "3.png").read_bytes() + b" ")
    assert held.embedded() == [1, 3]


def test_an_interruption_keeps_what_was_made(tmp_path: Path) -> None:
    held, asked = Held(tmp_path), list[int]()

    def interrupt() -> None:
        asked.append(1)
        if len(asked) > 1:
            raise TrainingInterrupted("a group needs the worker")

    tasks = held.services.registry.tasks.of_group(1, "clip")
    with pytest.raises(TrainingInterrupted):
        Embeddings(held.services).make(tasks, "image", held.frames, CancelToken(interrupt))
    assert held.embedded() == [1]


def test_a_broken_image_costs_itself_alone(tmp_path: Path) -> None:
    held = Held(tmp_path)
    (held.house.media / "1.png").write_bytes(b"no image")
    held.work()
    assert held.embedded() == [2, 3]


def test_two_encoders_never_run_at_once(tmp_path: Path) -> None:
    held = Held(tmp_path)
    with embeddings._alone(held.services) as free:
        assert free
        held.work()
        assert held.embedded() == []
    held.work()
    assert held.embedded() == [1, 2, 3]


def test_a_damaged_embedding_goes(tmp_path: Path) -> None:
    held = Held(tmp_path)
    held.work()
    for file in (held.services.settings.folder / "media").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\x93NUMPY damaged")
    assert held.embedded() == []
    held.work()
    assert held.embedded() == [1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_a_broken_checkpoint_leaves_the_answer_to_the_others(tmp_path: Path, content: bytes) -> None:
    held = Held(tmp_path, content=content)
    held.work()
    assert held.embedded() == []
    [item] = held.ask(2, box_of(2)[0])["result"]
    assert item["meta"]["text"] == ["colours and features"]


def test_one_that_is_larger_than_memory_is_never_read_and_the_others_answer(tmp_path: Path) -> None:
    held = Held(tmp_path)
    free = free_bytes() or 1 << 40
    os.truncate(held.file, free)  # it takes no room on the disk
    with capture_logs() as log:
        held.work()
        [item] = held.ask(2, box_of(2)[0])["result"]
    assert held.embedded() == []
    assert item["meta"]["text"] == ["colours and features"]
    said = [entry["why"] for entry in log if entry["event"] == "prompts are answered without segment-anything"]
    assert "needs 3 times as much memory" in said[0], "the worker's word"
    assert (free_bytes() or 0) > free / 2


def test_a_checkpoint_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    held = Held(tmp_path, source=str(tmp_path / "nowhere.pth"))
    with pytest.raises(CheckpointError, match=r"no such file"):
        held.work()
    assert "no such file" in embed_unlabelled(held.services, held.project, NEVER)[0]
    assert len(held.ask(2, box_of(2)[0])["result"]) == 1


def test_one_at_a_url_is_fetched_once_by_the_worker(tmp_path: Path) -> None:
    held = Held(tmp_path, source=f"file://{tmp_path}/tiny.pth")
    assert checkpoint.checkpoint_here(held.services.settings) is None, "the server fetches nothing"
    assert embed_unlabelled(held.services, held.project, NEVER) == []
    assert held.embedded() == [1, 2, 3]
    held.file.unlink()
    assert checkpoint.fetched_checkpoint(held.services.settings) is not None


def test_what_is_not_what_was_published_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tiny_checkpoint(tmp_path / "vit_b.pth")
    monkeypatch.setattr(checkpoint, "PUBLISHED", f"file://{file}")
    (tmp_path / "one").mkdir()
    house = House(tmp_path / "one", sam_checkpoint="vit_b")
    with pytest.raises(CheckpointError, match="SHA-256"):
        checkpoint.fetched_checkpoint(house.settings)
    assert not list((house.settings.folder / "sam").iterdir())
    monkeypatch.setattr(checkpoint, "PUBLISHED_SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    place = checkpoint.fetched_checkpoint(house.settings)
    assert place is not None
    assert place.read_bytes() == file.read_bytes()


def test_without_a_checkpoint_or_smart_tools_nothing_is_embedded(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    project = asked.house.registry.projects.require(1)
    assert embed_unlabelled(asked.house.services, project, NEVER) == []
    assert Embeddings(asked.house.services).decoder() is None
    assert Embeddings(asked.house.services).find("x", "y") is None
