"""Bringing a video into a project as one group of frame tasks."""

from pathlib import Path
from tempfile import TemporaryDirectory

from backend.errors import StudioForbidden
from backend.loop.services import Services
from backend.studio.video import write_frames


def import_video(services: Services, project: int, video: Path, group: str, every: int) -> int:
    """Cut, upload and import a video; returns the number of tasks.

    A task's data are the media field that the labeling config names, `video` (the group) and `frame`.
    """
    record = services.registry.projects.seen(project)
    studio = services.studio(record)
    if studio is None:
        raise StudioForbidden("No API key for Label Studio: give --url and --api-key, or set LABEL_STUDIO_API_KEY.")
    field = services.parse_config(studio.project(project)["label_config"]).require()[0].media_field
    with TemporaryDirectory(prefix="micro-models-") as folder:
        frames = write_frames(video, Path(folder), every)
        urls = studio.upload(project, list(frames.values()))
        rows = [{field: url, "video": group, "frame": number} for number, url in zip(frames, urls, strict=True)]
        return len(studio.create_tasks(project, rows))
