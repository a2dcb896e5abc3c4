"""`suggest`: the frames that are worth a look next."""

from functools import partial
from typing import Annotated

import typer

from backend.commands import common
from backend.commands.common import GroupOption, KeyOption, ProjectOption, UrlOption
from backend.commands.progress import bar


def suggest(
    project: ProjectOption,
    group: GroupOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many frames.")] = 20,
    tab: Annotated[bool, typer.Option("--tab", help="Put them into a Data Manager tab 'Label next'.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Show the frames that are worth a look next, with links into Label Studio."""
    from backend.loop.data.known import known
    from backend.loop.predict.label_next import put_tab
    from backend.loop.predict.suggest import look_ahead, suggestions

    services, console = common.services(url, api_key), common.console
    with bar(console, "Looking at groups") as report:
        look_ahead(services, project, group, partial(report, "Looking at groups"))
    found = suggestions(services, project, limit, group)
    if not found:
        console.print(f"Nothing left to label in project {project}" + (f", group {group!r}." if group else "."))
        return
    rows = [("task", "group", "score", "why", "link")]
    for one in found:
        score = "-" if one.score is None else f"{one.score:.2f}"
        rows.append((str(one.task), " ".join(one.group.split()) or "(no name)", score, one.reason, one.url))
    # Lines and no table: a link that is cut to the terminal's width leads nowhere.
    for line in common.aligned(rows):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if tab:
        console.print(f"In Label Studio: {put_tab(services, known(services, project), found)}", soft_wrap=True)
