"""DeepLabCut and SLEAP: read back by pandas, by sleap-io, and by ourselves."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import sleap_io

from backend.datasets import Item, read
from backend.errors import DataSetError
from backend.instances import PREDICTED, Instances
from tests.datasets.made import POINTS, picture, written


def flies(individuals: int = 2) -> list[Item]:
    """Two groups with frames of the same names; in the second frame of each nothing is placed."""
    found = []
    for group in ("Käfig/1", "Käfig 2"):
        for number in range(3):
            xy = np.array([[(5 + i, 6 + number), (np.nan, np.nan), (9.25, 3.5)] for i in range(individuals)])
            objects = Instances(
                [(1, 1, 20, 20)] * individuals, ["fly"] * individuals, [0.5] * individuals, keypoints=xy,
                keypoint_score=np.isfinite(xy[..., 0]) * 0.75, keypoint_names=POINTS,
                track=list(range(1, individuals + 1)), origin=[PREDICTED if number == 2 else "drawn"] * individuals,
            )  # fmt: skip
            found.append(
                Item(
                    group,
                    f"img{number}",
                    33,
                    21,
                    Instances() if number == 1 else objects,
                    number=number,
                    picture=picture(33, 21, number),
                )
            )
    return found


def test_pandas_reads_points_as_deeplabcut_does(tmp_path: Path) -> None:
    written("deeplabcut", tmp_path / "out", flies(1))
    for folder in sorted((tmp_path / "out" / "labeled-data").iterdir()):
        table = pandas.read_csv(folder / "CollectedData_micro-models.csv", header=[0, 1, 2], index_col=[0, 1, 2])
        assert [column[1:] for column in table.columns] == [(point, side) for point in POINTS for side in "xy"]
        assert table.index[0] == ("labeled-data", folder.name, "img0.png")
        assert table.iloc[0].tolist() == pytest.approx([5, 6, np.nan, np.nan, 9.25, 3.5], nan_ok=True)
        assert table.iloc[1].isna().all()
        again = pandas.read_hdf(folder / "CollectedData_micro-models.h5", "df_with_missing")
        pandas.testing.assert_frame_equal(again, table)
        assert all((tmp_path / "out" / "/".join(index)).is_file() for index in table.index)


def test_several_animals_have_a_level_of_their_own(tmp_path: Path) -> None:
    written("deeplabcut", tmp_path / "out", flies())
    [file, _] = sorted((tmp_path / "out").rglob("*.csv"))
    table = pandas.read_csv(file, header=[0, 1, 2, 3], index_col=[0, 1, 2])
    assert list(dict.fromkeys(table.columns.get_level_values(1))) == ["individual1", "individual2"]
    labels = sleap_io.load_dlc(str(file))
    assert sum(len(frame.instances) for frame in labels) == 4


@pytest.mark.parametrize("individuals", [1, 2])
def test_deeplabcut_is_read_again(tmp_path: Path, individuals: int) -> None:
    frames = flies(individuals)
    written("deeplabcut", tmp_path / "out", frames)
    found = list(read("deeplabcut", tmp_path / "out"))
    assert [(one.group, one.name) for one in found] == [
        (group, f"img{n}") for group in sorted({"Käfig_1", "Käfig 2"}) for n in range(3)
    ]
    for after, before in zip(found, [*frames[3:], *frames[:3]], strict=True):
        assert (after.width, after.height) == (33, 21)
        assert len(after.objects) == len(before.objects)
        if len(before.objects):
            assert np.allclose(after.objects.keypoints, before.objects.keypoints, equal_nan=True)


def test_sleap_io_reads_points_tracks_and_what_is_predicted(tmp_path: Path) -> None:
    written("sleap", tmp_path / "out", flies())
    labels = sleap_io.load_slp(str(tmp_path / "out" / "labels.slp"))
    assert [node.name for node in labels.skeleton.nodes] == list(POINTS)
    assert len(labels) == 6
    assert len(labels.videos) == 2
    assert len(labels.tracks) == 4
    assert labels[0].image.shape == (21, 33, 3)
    assert [type(i).__name__ for frame in labels[:3] for i in frame.instances] == ["Instance"] * 2 + [
        "PredictedInstance"
    ] * 2
    assert np.allclose(labels[0].instances[0].numpy(), flies()[0].objects.keypoints[0], equal_nan=True)


def test_sleap_is_read_again(tmp_path: Path) -> None:
    frames = flies()
    written("sleap", tmp_path / "out", frames, {"Käfig/1": "train", "Käfig 2": "val"})
    found = list(read("sleap", tmp_path / "out"))
    assert [one.split for one in found] == ["train"] * 3 + ["val"] * 3
    for after, before in zip(found, frames, strict=True):
        assert (after.width, after.height, after.number) == (33, 21, before.number)
        assert after.picture is not None
        assert after.objects.origin.tolist() == before.objects.origin.tolist()
        if len(before.objects):
            assert np.allclose(after.objects.keypoints, before.objects.keypoints, equal_nan=True)
            placed = np.isfinite(before.objects.keypoints).all(-1)
            expected = 0.75 if before.objects.origin[0] == PREDICTED else 1.0
            assert np.allclose(after.objects.keypoint_score[placed], expected)


@pytest.mark.parametrize("name", ["sleap", "deeplabcut"])
def test_without_points_there_is_nothing_to_write(tmp_path: Path, name: str) -> None:
    bare = [Item("a", "1", 9, 9, Instances([(1, 2, 3, 4)], ["square"]), picture=picture(9, 9))]
    with pytest.raises(DataSetError, match="has no keypoints"):
        written(name, tmp_path / "out", bare)


def test_a_missing_library_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name in ("sleap_io", "tables"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(DataSetError, match=r"pip install 'micro-models\[export\]'"):
        written("sleap", tmp_path / "out", flies())
    assert not (tmp_path / "out").exists()
    written("deeplabcut", tmp_path / "dlc", flies())
    assert len(list((tmp_path / "dlc").rglob("*.csv"))) == 2
    assert not list((tmp_path / "dlc").rglob("*.h5"))
