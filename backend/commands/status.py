"""`status`: what goes on in the projects, for people, for pipes and for programs."""

import json
import sys
import time
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from backend.commands import common

WATCH_SECONDS = 2.0
"""Pause between looks with --watch."""
NOTHING = "No project is connected yet: run `micro-models connect --url URL --api-key KEY --project N`."
HEADINGS = ("group", "state", "labels", "learnt", "version", "score")


def status(
    project: Annotated[int | None, typer.Option(help="One project; all where left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
) -> None:
    """Show groups, labels, versions, jobs and progress."""
    services, console = common.services(), common.console
    look = _json if as_json else _page
    if not watch:
        _put(look(_standing(services, project)))
        return
    try:
        if as_json or not console.is_terminal:
            _follow(services, project, look)
        else:
            with Live(console=console, auto_refresh=False) as live:
                while True:
                    live.update(_page(_standing(services, project)), refresh=True)
                    time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return


def _standing(services: Any, project: int | None) -> dict[str, Any]:
    """`{"worker_problem": ..., "projects": [...]}`, each project as `GET /status` tells it."""
    from backend.loop.data.known import known
    from backend.loop.pages.status import project_status
    from backend.loop.worker.health import worker_problem

    there = services.registry.projects.all()
    numbers = [p.id for p in there] if project is None else [known(services, project).id]
    return {"worker_problem": worker_problem(services), "projects": [project_status(services, n) for n in numbers]}


def _follow(services: Any, project: int | None, look: Any) -> None:
    """Print it whenever it has changed."""
    last = None
    while True:
        now = _standing(services, project)
        if now != last:
            _put(look(now))
            sys.stdout.flush()
        last = now
        time.sleep(WATCH_SECONDS)


def _put(what: RenderableType) -> None:
    if isinstance(what, str):
        typer.echo(what)
    else:
        common.console.print(what)


def _json(standing: dict[str, Any]) -> str:
    return json.dumps(standing, ensure_ascii=False, allow_nan=False, default=str)


def _page(standing: dict[str, Any]) -> RenderableType:
    """All of it, to look at: within the width of a terminal, or one line a group where it is read by a program."""
    parts: list[RenderableType] = []
    if standing["worker_problem"]:
        parts.append(Text(standing["worker_problem"], "bold red"))
    if not standing["projects"]:
        parts.append(Text(common.as_typed(NOTHING)))
    wide = not common.console.is_terminal
    for one in standing["projects"]:
        parts += _lines(one) if wide else _table(one)
    return "\n".join(str(part) for part in parts) if wide else Group(*parts)


def _table(status: dict[str, Any]) -> list[RenderableType]:
    """A project for a terminal: a row for each group, what there is to say of it below them all."""
    table = Table(title=_title(status), title_justify="left", title_style="bold", expand=False)
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=heading in HEADINGS[3:])
    for group in status["groups"]:
        table.add_row(*(Text(cell) for cell in _cells(group)))
    said = [Text.assemble((f"{g['title']}: ", "bold"), _remark(g)) for g in status["groups"] if _remark(g)]
    return [table, *said, *(Text(line, "dim") for line in _rules(status)), *_notes(status)]


def _lines(status: dict[str, Any]) -> list[str]:
    """The same for pipes: one line a group, however long, the remark last."""
    rows = [(*HEADINGS, "remark"), *((*_cells(g), _remark(g)) for g in status["groups"])]
    return [_title(status), *common.aligned(rows), *_rules(status), *(str(note) for note in _notes(status))]


def _cells(group: dict[str, Any]) -> tuple[str, ...]:
    done = f" {group['progress']:.0%}" if group["progress"] is not None else ""
    left = f", {group['seconds_left']:.0f} s left" if group["seconds_left"] is not None else ""
    own = group["score"]
    return (
        " ".join(group["title"].split()) or "(no name)",
        group["state"] + done + left,
        f"{group['labelled']} of {group['tasks']}",
        str(group["trained_labels"]),
        group["version"] or "-",
        "-" if own is None else f"{own:.2f}",
    )


def _remark(group: dict[str, Any]) -> str:
    """What there is to say of a group: what is next, what is wrong, where its micro-model comes from."""
    whole = group["project_score"]
    learnt = "" if group["project_score_held_out"] else ", learnt"
    said = (
        group.get("next"),
        group["reason"] or group.get("difficulty") or group["advice"],
        f"started from {group['start']}" if group["start"] else None,
        f"proposed by {group['proposed_by']}" if group["proposed_by"] else None,
        None if whole is None else f"one model for the project {whole:.2f}{learnt}",
    )
    return " ".join("; ".join(part.rstrip(".") for part in said if part).split())


def _rules(status: dict[str, Any]) -> list[str]:
    """Which rule made the groups; said once where it is the same for all."""
    rules: dict[str, list[str]] = {}
    for group in status["groups"]:
        rules.setdefault(group["rule"], []).append(group["group"])
    alone = len(rules) == 1
    return [f"Grouped by {rule}" + ("." if alone else f": {', '.join(names)}.") for rule, names in rules.items()]


def _notes(status: dict[str, Any]) -> list[Text]:
    said = [common.as_typed(str(status[key])) for key in ("problem", "remark") if status.get(key)]
    return [Text(line, "red") for line in said]


def _title(status: dict[str, Any]) -> str:
    return f"Project {status['project']}, weights take {status.get('weights_bytes', 0) / 1e6:,.1f} MB"
