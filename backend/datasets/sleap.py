"""SLEAP: `labels.slp` (`train.slp`, `val.slp`) beside `images/`, a video of pictures for each group; by sleap-io."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backend.datasets.deeplabcut import around
from backend.datasets.format import Format, Items, by_group, flat_pictures
from backend.datasets.item import Item, Names, flat_name
from backend.datasets.pictures import FilePicture, size_of
from backend.errors import DataSetError
from backend.instances import ABSENT, DRAWN, NO_TRACK, PREDICTED, Instances

if TYPE_CHECKING:
    import sleap_io


def check() -> None:
    """Raises DataSetError where sleap-io is not installed."""
    _library()


def _library() -> Any:
    try:
        import sleap_io
    except ImportError:
        raise DataSetError(
            "sleap-io is not installed, which reads and writes .slp. Run `pip install 'micro-models[export]'`."
        ) from None
    return sleap_io


def write(items: Items, names: Names, out: Path) -> Iterator[Path]:
    """See `Format.write`; memory holds all points of a split, and no picture."""
    for split in names.splits or ("",):
        labels = _labels((item for item in items() if item.split == split), names, out)
        path = out / f"{split or 'labels'}.slp"
        path.unlink(missing_ok=True)
        labels.save(str(path), embed=False, verbose=False)
        yield path


def _labels(items: Iterator[Item], names: Names, out: Path) -> "sleap_io.Labels":
    sio = _library()
    skeleton, tracks = sio.Skeleton(nodes=list(names.keypoints), name="object"), dict[tuple[str, int], Any]()
    frames, videos = list[Any](), list[Any]()
    for group, some in by_group(_points_only(item) for item in items):
        video = _video(sio, some, out)
        videos.append(video)
        for place, item in enumerate(some):
            found = []
            for row in range(len(item.objects)):
                number = int(item.objects.track[row])
                if number != NO_TRACK and (group, number) not in tracks:
                    tracks[group, number] = sio.Track(f"{group} {number}")
                found.append(_instance(sio, item.objects, row, names.keypoints, skeleton, tracks.get((group, number))))
            frames.append(sio.LabeledFrame(video=video, frame_idx=place, instances=found))
    return sio.Labels(frames, videos=videos, skeletons=[skeleton], tracks=list(tracks.values()))


def _video(sio: Any, items: Sequence[Item], out: Path) -> Any:
    """Of pictures where they lie; from the folder of the .slp where they are elsewhere by now, as in an archive."""
    from sleap_io.io.video_reading import ImageVideo

    paths = [out.resolve() / item.path for item in items]
    names = [str(path) if path.exists() else item.path for path, item in zip(paths, items, strict=True)]
    shape = (len(items), items[0].height, items[0].width, 3)
    return sio.Video(
        names, backend=ImageVideo(names, grayscale=False), backend_metadata={"shape": shape, "grayscale": False}
    )


def _points_only(item: Item) -> Item:
    """Without masks, and without objects that have no point."""
    rows = np.flatnonzero((item.objects.visibility != ABSENT).any(1))
    bare = item.objects.with_columns(mask=None)[rows]
    return Item(item.group, item.name, item.width, item.height, bare, number=item.number, path=item.path)


def _instance(
    sio: Any, objects: Instances, row: int, points: Sequence[str], skeleton: Any, track: Any
) -> "sleap_io.Instance":
    placed = {name: objects.keypoints[row, at] for at, name in enumerate(objects.keypoint_names)}
    xy = np.array([placed.get(name, (np.nan, np.nan)) for name in points], np.float64)
    if objects.origin[row] != PREDICTED:
        return sio.Instance.from_numpy(xy, skeleton=skeleton, track=track)
    sure = dict(zip(objects.keypoint_names, objects.keypoint_score[row].tolist(), strict=True))
    return sio.PredictedInstance.from_numpy(
        xy, skeleton=skeleton, track=track, score=float(objects.score[row]),
        point_scores=np.array([sure.get(name, 0.0) for name in points]),
    )  # fmt: skip


def read(path: Path, images: Path | None) -> Iterator[Item]:
    """The frames of a .slp file, or of all those in a folder. Of a video that is a file the frames have no picture."""
    sio = _library()
    for file in sorted(path.glob("*.slp")) if path.is_dir() else [path]:
        try:
            labels = sio.load_slp(str(file), open_videos=False)
        except Exception as error:  # whatever HDF5 raises
            raise DataSetError(f"{file} cannot be read ({error}). Expected labels of SLEAP.") from error
        tracks = {id(track): number for number, track in enumerate(labels.tracks, start=1)}
        for frame in labels:
            yield _item(frame, tracks, images, file, sio.PredictedInstance)


def _item(frame: Any, tracks: dict[int, int], images: Path | None, file: Path, predicted: type) -> Item:
    names = frame.video.filename
    name = names[frame.frame_idx] if isinstance(names, list) else f"{frame.frame_idx:06d}"
    picture = (images or file.parent) / name if isinstance(names, list) else None
    if picture is not None and not picture.is_file():
        picture = (images or file.parent / "images") / Path(name).name  # it was moved
    is_there = picture is not None and picture.is_file()
    shape = frame.video.shape or (0, 0, 0, 0)
    width, height = size_of(picture) if picture is not None and is_there else (int(shape[2]), int(shape[1]))
    return Item(
        "" if isinstance(names, list) else Path(names).name, flat_name(name), width, height,
        _objects(list(frame.instances), tracks, predicted), number=int(frame.frame_idx),
        picture=FilePicture(picture, picture.suffix.lower()) if picture is not None and is_there else None, path=name,
        split=file.stem if file.stem in ("train", "val") else "",
    )  # fmt: skip


def _objects(instances: Sequence[Any], tracks: dict[int, int], predicted: Any) -> Instances:
    placed = [one for one in instances if np.isfinite(one.numpy()).all(-1).any()]
    if not placed:
        return Instances()
    xy = np.array([one.numpy()[:, :2] for one in placed], np.float64)
    sure = [one.points["score"] if isinstance(one, predicted) else np.isfinite(one.numpy()).all(-1) for one in placed]
    return Instances(
        [around(points) for points in xy], ["object"] * len(placed),
        [float(one.score) if isinstance(one, predicted) else 1.0 for one in placed],
        keypoints=xy, keypoint_score=np.array(sure, np.float64), keypoint_names=[n.name for n in placed[0].skeleton.nodes],
        track=[tracks.get(id(one.track), NO_TRACK) for one in placed],
        origin=[PREDICTED if isinstance(one, predicted) else DRAWN for one in placed],
    )  # fmt: skip


SLEAP = Format("sleap", "SLEAP: points, .slp", flat_pictures, write, read, check=check, needs="keypoints")
