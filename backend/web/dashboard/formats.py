"""Figures and times in words for people; None is a dash everywhere."""

import math
from datetime import UTC, datetime
from urllib.parse import quote

from markupsafe import Markup, escape

DASH = "–"


def percent(share: float | None) -> str:
    """A share in [0, 1], rounded down: 100 % means all of it."""
    return DASH if share is None else f"{math.floor(share * 1000 + 1e-6) / 10:g} %"


def score(value: float | None) -> str:
    """Two digits."""
    return DASH if value is None else f"{value:.2f}"


def code(text: str) -> Markup:
    """Text for a page, what stands in backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


def sure(value: float | None) -> str:
    """A probability in [0, 1] in words."""
    return DASH if value is None else f"{math.floor(value * 100 + 1e-6)} % sure"


def minutes(value: float | None) -> str:
    """Seconds of a person's time, no more exactly than anybody plans."""
    if value is None:
        return DASH
    if value < 60:
        return "under 1 min" if value > 0 else "0 min"
    hours, rest = divmod(round(value / 60), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def number(value: float | None) -> str:
    """With thousands apart; at most one digit behind the point."""
    return DASH if value is None else f"{round(value, 1):,}".removesuffix(".0").replace(",", "\u202f")


def seconds(value: float | None) -> str:
    """A duration."""
    if value is None:
        return DASH
    if value < 9.95:
        return f"{value:.1f} s" if value % 1 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def ago(at: float | None, now: float) -> str:
    """How long ago a time (seconds since the epoch) was, in its largest unit."""
    if at is None:
        return "never"
    past = now - at
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if past >= size:
            return f"{past / size:.0f} {unit} ago"
    return "just now" if past < 5 else f"{past:.0f} s ago"


def iso(at: float) -> str:
    """A time for `<time datetime>`, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def size(nbytes: int | None) -> str:
    """Bytes in kB or MB."""
    if nbytes is None:
        return DASH
    return f"{nbytes / 1e6:.1f} MB" if nbytes >= 1e6 else f"{nbytes / 1e3:.0f} kB"


def group_path(project: int, name: str) -> str:
    """Path of a group's page. A browser takes a segment of dots for a step up, so those names go into the query."""
    if name.strip(".") == "":
        return f"/projects/{project}/groups/?name={quote(name, safe='')}"
    return f"/projects/{project}/groups/{quote(name, safe='')}"
