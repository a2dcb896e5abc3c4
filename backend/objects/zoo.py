"""Zoo: the registry of a server, read only, as projects, groups and the micro-models that serve them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import ArtifactDamaged, RegistryError
from backend.objects.asked import SETTING, asked, inferred
from backend.objects.card import Card
from backend.objects.micro_model import MicroModel
from backend.objects.model import Model
from backend.objects.whole import whole

IMPORTED = "imported"
"""State of a version that was brought from another registry, as a start."""

if TYPE_CHECKING:
    from model_registry import VersionRecord
    from model_registry.reader import Reader


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Group(Mapping[str, MicroModel]):
    """The serving micro-models of one group by control tag, each read when it is asked for."""

    reader: "Reader"
    project: int
    name: str

    def __getitem__(self, control: str) -> MicroModel:
        """The serving version; raises KeyError for a control without one, ArtifactDamaged where its weights are gone."""
        if control not in tuple(self):
            raise KeyError(self._lacks(control))
        return self.require(control)

    def require(self, control: str) -> MicroModel:
        """The serving version; raises RegistryError for a control without one, ArtifactDamaged where its weights are gone."""
        version = self.reader.versions.serving(self.project, self.name).get(control)
        if version is None:
            raise RegistryError(self._lacks(control))
        if version.artifact is None:
            raise ArtifactDamaged(
                f"Version {version.number} of {control!r} in group {self.name!r} has no weights any more."
            )
        history = self.reader.versions.history(self.project, self.name, control)
        return MicroModel(self.reader.artifacts.read(version.artifact), card_of(version, history))

    def whole(self) -> Model:
        """All that serves in the group as one model: boxes, their points, the class of each, as the labeling config asks for
        them. Where a registry does not tell what is asked for, it is inferred from what the micro-models find."""
        setting = self.reader.projects.require(self.project).settings.get(SETTING)
        serving = self.reader.versions.serving(self.project, self.name)
        fingerprints = {name: version.fingerprint for name, version in serving.items()}
        controls = asked(setting, fingerprints) if setting else inferred(dict(self))
        return whole(controls, {control.from_name: self.require(control.from_name) for control in controls})

    def _lacks(self, control: str) -> str:
        names = ", ".join(map(repr, self)) or "none"
        return f"No version of control {control!r} serves in group {self.name!r}. Those that do: {names}."

    def __iter__(self) -> Iterator[str]:
        return iter(self.reader.versions.serving(self.project, self.name))

    def __len__(self) -> int:
        return len(self.reader.versions.serving(self.project, self.name))

    def __repr__(self) -> str:
        return f"<Group {self.name!r} of project {self.project}: {', '.join(map(repr, self)) or 'no micro-model'}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Project:
    """The groups of one project."""

    reader: "Reader"
    id: int

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of those with a serving micro-model, in order."""
        return tuple(
            sorted(
                one.name for one in self.reader.groups.all(self.id) if self.reader.versions.serving(self.id, one.name)
            )
        )

    def group(self, name: str) -> Group:
        """A group; raises RegistryError where there is none of this name."""
        if self.reader.groups.get(self.id, name) is None:
            known = ", ".join(map(repr, self.groups)) or "none yet"
            raise RegistryError(f"Project {self.id} has no group {name!r}. Those with micro-models: {known}.")
        return Group(self.reader, self.id, name)

    def __repr__(self) -> str:
        return f"<Project {self.id}: {len(self.groups)} groups with micro-models>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Zoo:
    """All micro-models of a registry."""

    reader: "Reader"
    where: str

    @property
    def projects(self) -> tuple[int, ...]:
        """Their ids, in order."""
        return tuple(sorted(one.id for one in self.reader.projects.all()))

    def project(self, id: int) -> Project:
        """A project; raises RegistryError where it is not known."""
        if self.reader.projects.get(id) is None:
            raise RegistryError(f"There is no project {id} in {self.where}. There are: {self.projects or 'none'}.")
        return Project(self.reader, id)

    def close(self) -> None:
        """Let the registry go."""
        self.reader.close()

    def __repr__(self) -> str:
        return f"<Zoo {self.where}: {len(self.projects)} projects>"


def open_zoo(where: str | Path, artifacts: str | Path | None = None) -> Zoo:
    """The registry in a server's data folder, or at a database URL with the URL of its artifacts. Nothing is ever written.

    Raises RegistryError where there is none.
    """
    from model_registry.reader import open_reader

    is_url = "://" in str(where)
    if is_url and artifacts is None:
        raise RegistryError(
            f"Found the database {where} without artifacts. Say where they are: open(url, artifacts=...)."
        )
    database = str(where) if is_url else f"sqlite:///{Path(where).absolute() / 'registry.db'}"
    folder = Path(where) / "artifacts" if artifacts is None else artifacts
    return Zoo(open_reader(database, str(folder)), str(where))


def card_of(version: "VersionRecord", history: "list[VersionRecord]") -> Card:
    """A version's card; its score is what its successors' trainings found on labels that it had never seen."""
    later = (one.metrics.get("unseen") for one in history if one.previous == version.id)
    known: dict[str, Any] = next((one for one in later if one and one.get("score") is not None), {})
    brought = next((one.metrics for one in history if one.start == version.start and one.state == IMPORTED), {})
    card, score = Card.of(brought.get("card") or {}), known.get("score")
    return Card(
        group=version.group,
        control=version.control,
        version=version.number,
        labelled=version.labels,
        measure=str(known.get("measure", "")),
        score=None if score is None else float(score),
        start=version.start,
        lineage=(str(brought["digest"]), *card.lineage) if "digest" in brought else (),
        origin=card.title if brought else "",
    )
