import sys
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("segment_anything")

from segment_anything import SamPredictor

from backend.errors import CheckpointError
from backend.learning.prompting import fallback_chain, sam
from backend.types import Frame, Head, Prompt
from tests.learning.prompting.sam_checkpoint import SIDE, tiny_checkpoint, tiny_sam


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("sam") / "tiny.pth")


@pytest.fixture(scope="module")
def frame() -> Frame:
    image = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    return Frame(1, image, 90, 60)


def test_the_sizes_are_read_off_the_state_dict(checkpoint: Path, frame: Frame) -> None:
    whole = sam.load(checkpoint, "cpu", encoder=True)
    assert whole.side == SIDE
    assert all(
        torch.equal(a, b)
        for a, b in zip(whole.model.state_dict().values(), tiny_sam().state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(
    "prompt",
    [Prompt(box=(10, 10, 50, 40)), Prompt(inside=((20, 20), (30, 30)), outside=((80, 50),))],
    ids=["box", "clicks"],
)
def test_it_says_what_the_package_itself_says(checkpoint: Path, frame: Frame, prompt: Prompt) -> None:
    whole, decoder = (sam.load(checkpoint, "cpu", encoder=encoder) for encoder in (True, False))
    embedding = whole.embed(frame)
    assert embedding.dtype == np.float16
    theirs = SamPredictor(tiny_sam())
    theirs.set_image(frame.image)
    clicks = np.array([*prompt.inside, *prompt.outside], float).reshape(-1, 2)
    masks, quality, _ = theirs.predict(
        point_coords=np.floor(clicks) + 0.5 if len(clicks) else None,
        point_labels=np.array([1] * len(prompt.inside) + [0] * len(prompt.outside)) if len(clicks) else None,
        box=None if prompt.box is None else np.array(prompt.box),
    )
    found = decoder.decode(frame, embedding, prompt)
    best = masks[int(quality.argmax())]
    assert found is not None or not best.any()
    assert found is None or (found == best).mean() > 0.9, "but for scaling and float16"


def test_among_its_masks_that_one_is_meant_with_which_the_micro_model_agrees(checkpoint: Path, frame: Frame) -> None:
    decoder = sam.load(checkpoint, "cpu", encoder=False)
    mask = np.zeros((60, 90), bool)
    mask[:30] = True
    assert sam._score(mask, 0.1, mask.astype(np.float32)) > sam._score(~mask, 0.9, mask.astype(np.float32))
    assert sam._score(mask, 0.1, None) < sam._score(~mask, 0.9, None)
    assert decoder.decode(frame, np.zeros((32, 8, 8), np.float16), Prompt()) is None


def test_without_its_encoder_it_takes_little(checkpoint: Path) -> None:
    whole, decoder = (sam.load(checkpoint, "cpu", encoder=encoder) for encoder in (True, False))
    assert not list(decoder.model.image_encoder.blocks)
    assert len(whole.model.image_encoder.blocks) == 2


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("/tmp/evil"),))  # type: ignore[return-value]


@pytest.mark.parametrize("content", [b"", b"no checkpoint", "pickle", "foreign", "missing", "half"])
def test_what_is_no_checkpoint_is_said_so(tmp_path: Path, content: bytes | str) -> None:
    file = tmp_path / "c.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "pickle":
        torch.save({"x": Evil()}, file)
    elif content == "foreign":
        torch.save({"conv.weight": torch.zeros(3)}, file)
    elif content == "half":
        state = tiny_sam().state_dict()
        torch.save({key: state[key] for key in list(state)[:-4]}, file)
    for encoder in (True, False):
        with pytest.raises(CheckpointError, match=r"c\.pth|lacks"):
            sam.load(file, "cpu", encoder=encoder)


def test_one_that_is_larger_than_memory_is_not_read(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="MB are free"):
        sam.load(checkpoint, "cpu", encoder=True, room=1000)


def test_with_an_embedding_at_hand_it_answers_first_and_without_one_the_next(checkpoint: Path, frame: Frame) -> None:
    whole = sam.load(checkpoint, "cpu", encoder=True)
    wanted = fallback_chain.PromptContext(Head.DETECTION, "cat", "tf_efficientnet_lite0", sam=whole)
    prompt = Prompt(box=(10, 10, 50, 40))
    found = fallback_chain.answer(frame, prompt, wanted)
    assert found is None or found.who == fallback_chain.PICTURE
    wanted = fallback_chain.PromptContext(
        Head.DETECTION, "cat", "tf_efficientnet_lite0", sam=whole, embedding=whole.embed(frame)
    )
    found = fallback_chain.answer(frame, prompt, wanted)
    assert found is not None
    assert found.who in (fallback_chain.SEGMENT_ANYTHING, fallback_chain.PICTURE)


def test_a_checkpoint_of_mobile_sam_names_the_package_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mobile_sam", None)  # as where it is not installed
    state = tiny_sam().state_dict()
    torch.save(state | {"image_encoder.layers.0.blocks.0.conv1.c.weight": torch.zeros(1)}, tmp_path / "mobile.pt")
    for encoder in (True, False):
        with pytest.raises(CheckpointError, match="mobile_sam, is not installed"):
            sam.load(tmp_path / "mobile.pt", "cpu", encoder=encoder)


def test_a_checkpoint_of_mobile_sam_answers_where_that_package_is_installed(tmp_path: Path, frame: Frame) -> None:
    mobile = pytest.importorskip("mobile_sam")
    torch.manual_seed(0)
    torch.save(mobile.sam_model_registry["vit_t"]().state_dict(), tmp_path / "mobile.pt")
    whole, decoder = (sam.load(tmp_path / "mobile.pt", "cpu", encoder=encoder) for encoder in (True, False))
    assert decoder.side == whole.side == 1024
    embedding = whole.embed(frame)
    assert embedding.shape == (256, 64, 64)
    prompt = Prompt(box=(10, 10, 50, 40))
    one, other = whole.decode(frame, embedding, prompt), decoder.decode(frame, embedding, prompt)
    assert (one is None and other is None) or np.array_equal(one, other)
