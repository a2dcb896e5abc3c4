"""A bar in the terminal for whatever takes longer than two seconds; nothing where no person looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

ProgressCallback = Callable[[str, int, int | None], None]
"""Hears what is being done, how much of it is done, and of how much (None: nobody knows)."""


@contextmanager
def bar(console: Console, words: str) -> Iterator[ProgressCallback]:
    """A bar that says `words` until progress is reported; gone at the end."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(words, total=None)

        def report(what: str, done: int, of: int | None) -> None:
            nonlocal task
            if what != bars.tasks[0].description:  # another phase, whose speed is another
                bars.remove_task(task)
                task = bars.add_task(what, total=of)
            bars.update(task, completed=done, total=of)

        yield report
