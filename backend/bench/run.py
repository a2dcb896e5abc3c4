"""`micro-models bench`: replay labelled frames, print a table for each round, and draw the efficiency curve."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from rich.console import Console

from backend.bench.methods import MICRO, POOLED, Method, Trained, baselines
from backend.bench.project import Project
from backend.bench.replay import Replay, Row
from backend.bench.scenario import scenario_of
from backend.bench.table import round_table, summary_table
from backend.demo.data_set import DataSet
from backend.demo.foreign import load_sets
from backend.learning.network.threads import use_threads
from backend.settings import Settings
from backend.types import Head

Order = Literal["score", "random"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the simulated annotator does."""

    labels: int = 5
    """Frames labelled first; of a classification, those of each class."""
    rounds: int = 3
    per_round: int = 10
    """Frames mended in each round."""
    seeds: tuple[int, ...] = (0,)
    order: Order = "score"
    """Which frames come next: those with the lowest score of the micro-model, as Label Studio hands them out, or any."""


def bench(
    folders: Sequence[Path],
    plan: Plan,
    settings: Settings,
    out: Path | None,
    console: Console,
    told: Callable[[str, int, int | None], None] = lambda what, done, of: None,
) -> list[Row]:
    """Measure; with `out` also write figures.json and efficiency.png into that folder, after every seed. `told` hears how
    many rounds are measured, and of how many at most."""
    data_sets = [one for folder in folders for one in load_sets(folder)]
    use_threads(settings.threads)
    rows: list[Row] = []
    each = len(data_sets) * (plan.rounds + 1)
    for turn, seed in enumerate(plan.seeds):
        told("Training and measuring", turn * each, each * len(plan.seeds))
        for done, some in enumerate(replayed(data_sets, plan, settings, seed), 1):
            rows += some
            told("Training and measuring", turn * each + done, each * len(plan.seeds))
            console.print(round_table(some))
        if out is not None:
            write(rows, out)
    console.print(summary_table(rows))
    if out is not None:
        console.print(f"Written: {out / 'figures.json'}, {out / 'efficiency.png'}", soft_wrap=True)
    return rows


def replayed(data_sets: Sequence[DataSet], plan: Plan, settings: Settings, seed: int) -> Iterator[list[Row]]:
    """The rows of one data set and round after the other; the data sets go side by side, since they may share a model."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="micro-models-bench-")))
        replays = _replays(data_sets, plan, settings, seed, folder, stack)
        for replay in replays:
            replay.begin(plan.labels)
        for _ in range(plan.rounds):
            yield from (replay.measured() for replay in replays)
            replays = [replay for replay in replays if replay.go_on(plan.per_round)]
        yield from (replay.measured() for replay in replays)


def _replays(
    data_sets: Sequence[DataSet], plan: Plan, settings: Settings, seed: int, folder: Path, stack: ExitStack
) -> list[Replay]:
    alike = defaultdict[Head, list[DataSet]](list)
    for one in data_sets:
        alike[one.head].append(one)
    pools: dict[Head, Project] = {}
    for head, some in alike.items():
        if len(some) > 1:
            pool = Project(some, scenario_of(some), settings, folder / f"all {head}", seed=seed, together=True)
            pools[head] = stack.enter_context(pool)
    found = []
    for number, one in enumerate(data_sets):
        scenario = scenario_of([one])
        own = Project([one], scenario, settings, folder / str(number), seed=seed, together=False)
        methods: list[Method] = [Trained(MICRO, stack.enter_context(own), 0)]
        if one.head in pools:
            methods.append(Trained(POOLED, pools[one.head], alike[one.head].index(one)))
        methods += baselines(one, scenario)
        found.append(Replay(one, scenario, methods, seed, plan.order == "score"))
    return found


def write(rows: Sequence[Row], out: Path) -> None:
    """Everything measured so far, as figures and as a picture."""
    from backend.bench.chart import draw
    from backend.explain.figure import save

    out.mkdir(parents=True, exist_ok=True)
    (out / "figures.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    save(draw(rows), out / "efficiency.png")
