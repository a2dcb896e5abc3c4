"""What 100,000 groups cost: lookups, memory, storage, loading, switching; and trainings an hour from one and two workers.

    python tests/benchmarks/capacity.py [--groups 100000] [--models 200] [--trainings 2]

PostgreSQL and S3 are those of `tests.engines`. `model_registry/README.md` computes from these figures what larger
installations need.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from backend.learning import methods
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.method import MicroModel
from backend.learning.network import threads
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Weights
from model_registry import ArtifactRef, ModelCache, Registry, open_registry
from model_registry.artifacts import Artifacts
from tests.benchmarks.test_registry import fill
from tests.engines import S3_ACCOUNT, S3Server, own_schema, postgres_at_hand

LOOKUPS = 5000
CACHE_MB = 64
WIDTH, HEIGHT, SIDE, FRAMES, LABELS = 640, 360, 48, 40, 5


def quantiles(seconds: Sequence[tuple[float, float]]) -> str:
    """Median and 99th percentile, milliseconds; of the processor's time too, which other work does not disturb."""
    (middle, cpu), (high, high_cpu) = 1000 * np.quantile(seconds, [0.5, 0.99], axis=0)
    return f"p50 {middle:.3f} ms  p99 {high:.3f} ms  of this process {cpu:.3f}, {high_cpu:.3f}  (n {len(seconds)})"


def timed(call: Callable[[int], object], times: int) -> list[tuple[float, float]]:
    """Seconds of each call: by the clock, and of the processor."""
    taken = []
    for number in range(times):
        started, worked = time.perf_counter(), time.thread_time()
        call(number)
        taken.append((time.perf_counter() - started, time.thread_time() - worked))
    return taken


def memory_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def lookups(name: str, registry: Registry, groups: int) -> None:
    """The lookup of every /predict, and the other reads that must not grow."""
    fill(registry, groups)
    dice = np.random.default_rng(0)
    picks = [f"clip-{n}.mp4" for n in dice.integers(0, groups, LOOKUPS)]
    timed(lambda n: registry.versions.serving(1, picks[n]), 100)
    print(f"{name}: serving versions of one of {groups} groups  ", end="")
    print(quantiles(timed(lambda n: registry.versions.serving(1, picks[n]), LOOKUPS)), flush=True)
    print(f"{name}: groups with work left (none)  ", end="")
    print(quantiles(timed(lambda n: registry.groups.pending(0.0, 100), 500)), flush=True)


def clip() -> list[Frame]:
    """A square that wanders over noise; (height, width, 3) uint8 RGB."""
    dice = np.random.default_rng(7)
    ground = dice.integers(60, 120, (HEIGHT, WIDTH, 3))
    frames = []
    for number in range(FRAMES):
        image = ground + dice.integers(-8, 9, ground.shape)
        x, y = corner(number)
        image[y : y + SIDE, x : x + SIDE] = (230, 60, 40)
        frames.append(Frame(number, image.clip(0, 255).astype(np.uint8), WIDTH, HEIGHT, float(number)))
    return frames


def corner(number: int) -> tuple[int, int]:
    """Left top corner of the square, pixels."""
    share = number / (FRAMES - 1)
    return round(20 + share * (WIDTH - SIDE - 40)), round((HEIGHT - SIDE) / 2 * (1 + 0.7 * np.sin(6 * share)))


def train(effort: float) -> tuple[Weights, float]:
    """A micro-model of the clip from five labels: (weights, seconds)."""
    frames = clip()
    chosen = {int(n) for n in np.linspace(0, FRAMES - 1, LABELS + 2)[1:-1]}
    labeled = [
        LabeledFrame(f, (Instance("square", (float(x), float(y), float(x + SIDE), float(y + SIDE))),))
        for f in frames
        if f.task in chosen
        for x, y in [corner(f.task)]
    ]
    rest = [f for f in frames if f.task not in chosen]
    control = Control("label", "image", "RectangleLabels", Head.DETECTION, ("square",), "image")
    recipe = methods.recipe_for(control, "tf_efficientnet_lite0", effort)
    started = time.perf_counter()
    given = TrainingInput(labeled=labeled, unlabeled=rest, labels=control.labels, device="cpu", seed=1)
    done = methods.train(control, given, recipe)
    return done.weights, time.perf_counter() - started


def models(name: str, store: Artifacts, weights: Weights, count: int) -> None:
    """Loading stored micro-models, switching between loaded ones, and what a bounded cache of them takes."""
    refs = [store.write(weights) for _ in range(count)]
    print(f"{name}: an artifact has {refs[0].nbytes} bytes")
    methods.load(store.read(refs[0]), "cpu")
    print(f"{name}: load a stored micro-model  ", end="")
    print(quantiles(timed(lambda n: methods.load(store.read(refs[n]), "cpu"), count)), flush=True)
    before = memory_mb()
    cache: ModelCache[MicroModel] = ModelCache(CACHE_MB * 1_000_000)

    def loaded(ref: ArtifactRef) -> tuple[MicroModel, int]:
        model = methods.load(store.read(ref), "cpu")
        return model, model.nbytes

    for ref in refs:
        cache.get(ref.uri, lambda ref=ref: loaded(ref))  # type: ignore[misc]
    kept = cache.nbytes // max(1, loaded(refs[0])[1])
    print(
        f"{name}: {count} models through a cache of {CACHE_MB} MB: {kept} kept, {cache.nbytes / 1e6:.0f} MB counted, ",
        end="",
    )
    print(f"process grew from {before:.0f} to {memory_mb():.0f} MB")
    recent = refs[-max(2, kept // 2) :]
    print(f"{name}: switch to another loaded one  ", end="")
    switch = timed(lambda n: cache.get(recent[n % len(recent)].uri, lambda: loaded(refs[0])), 2000)
    print(quantiles(switch), flush=True)


def trainings_an_hour(count: int) -> None:
    """Workers are processes; the cores are shared out between them."""
    cores = os.cpu_count() or 1
    for workers in (1, 2):
        command = [sys.executable, __file__, "--only-train", str(count), "--threads", str(max(1, cores // workers))]
        env = os.environ | {"GOMP_SPINCOUNT": "20000"}
        running = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
        seconds = [float(line) for process in running for line in process.communicate()[0].split()]
        rate = workers * 3600 / float(np.mean(seconds))
        print(
            f"{workers} workers on {cores} cores: {np.mean(seconds):.1f} s a training, {rate:.0f} an hour", flush=True
        )


def stores(folder: Path) -> Iterator[tuple[str, Artifacts]]:
    """A folder, and an S3 server on this machine."""
    yield "folder", Artifacts(str(folder / "artifacts"), time.time)
    with S3Server() as s3:
        os.environ |= S3_ACCOUNT | {"FSSPEC_S3_ENDPOINT_URL": s3.endpoint}
        import fsspec

        fsspec.config.set_conf_env(fsspec.config.conf)
        yield "S3", Artifacts(f"s3://{s3.bucket}/artifacts", time.time)


def main() -> None:
    """Everything, or with --only-train some trainings, whose seconds are printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=100_000)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--trainings", type=int, default=2)
    parser.add_argument("--only-train", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_train:
        threads.use_threads(options.threads)
        for _ in range(options.only_train):
            print(train(1.0)[1], flush=True)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_registry(f"sqlite:///{folder}/registry.db", str(folder / "none")) as registry:
            lookups("SQLite", registry, options.groups)
        size = sum(path.stat().st_size for path in folder.glob("registry.db*"))
        print(f"SQLite: {size / options.groups:.0f} bytes of registry for each group with two versions")
        with (
            postgres_at_hand() as postgres,
            own_schema(postgres) as schema,
            open_registry(schema, str(folder / "none")) as registry,
        ):
            lookups("PostgreSQL", registry, options.groups)
        threads.use_threads(1)
        weights, _ = train(0.02)
        for kind, store in stores(folder):
            models(kind, store, weights, options.models)
    if options.trainings:
        trainings_an_hour(options.trainings)


if __name__ == "__main__":
    main()
