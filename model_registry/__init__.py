"""A registry of many small models: project -> group -> micro-model -> versions. It knows nothing of Label Studio.

Labels come in, and raise the wanted revision of their group. A worker takes the group's lease, trains, stores the
weights and promotes the version; a reader asks which version serves.

    >>> import tempfile
    >>> import numpy as np
    >>> from backend.types import Weights
    >>> from model_registry import LabelRecord, TaskRecord, open_registry
    >>> folder = tempfile.TemporaryDirectory()
    >>> registry = open_registry(f"sqlite:///{folder.name}/registry.db", f"{folder.name}/artifacts")

    >>> task = TaskRecord(id=7, project=1, group="clip.mp4", data={"image": "frame-7.jpg"})
    >>> label = LabelRecord(id=70, project=1, task=7, result=[{"type": "rectanglelabels"}], updated_at=1000.0)
    >>> registry.record_event(1, [task], [label], rule="field video", due_at=None)
    {'clip.mp4'}
    >>> [group] = registry.groups.pending(now=2000.0)
    >>> group.name, group.labelled, group.wanted, group.trained
    ('clip.mp4', 1, 1, 0)

    >>> lease = group.lease(owner="worker-1")
    >>> registry.leases.take(lease, seconds=60)
    True
    >>> version = registry.versions.begin(
    ...     lease, "boxes", "detection", label_revision=group.wanted, labels=1,
    ...     fingerprint="RectangleLabels:bunny", recipe={"steps": 160}, previous=None, start="backbone")
    >>> artifact = registry.artifacts.write(Weights({"head": np.zeros((2, 3), np.float32)}, {"labels": "bunny"}))
    >>> version = registry.versions.promote(version.id, "worker-1", artifact, {"f1": 1.0}, seconds=12.5)
    >>> registry.groups.mark_trained(lease, revision=1, labels=1)
    >>> registry.groups.mark_published(lease, revision=1)
    >>> registry.leases.release(lease)

    >>> serving = registry.versions.serving(1, "clip.mp4")["boxes"]
    >>> serving.number, str(serving.state), registry.groups.get(1, "clip.mp4").state(now=2000.0)
    (1, 'serving', 'idle')
    >>> registry.artifacts.read(serving.artifact).metadata["labels"]
    'bunny'
    >>> registry.close()
    >>> folder.cleanup()
"""

from model_registry.artifacts import Artifacts
from model_registry.backup import Kept, Report
from model_registry.cache import ModelCache
from model_registry.checkup import Stored
from model_registry.groups import Groups
from model_registry.inbox import Arrival, Inbox
from model_registry.labels import Labels
from model_registry.leases import Leases
from model_registry.ledger import Ledger
from model_registry.listed import GroupRow, ProjectCounts, Serving, Work
from model_registry.listing import SORTS, Listing, Sort
from model_registry.projects import Projects, accepted_secrets
from model_registry.records import (
    STOPPED,
    TITLE,
    ArtifactRef,
    GroupKind,
    GroupRecord,
    GroupState,
    LabelRecord,
    Lease,
    Phase,
    ProjectRecord,
    Space,
    TaskLike,
    TaskRecord,
    VersionRecord,
    VersionState,
    WorkerRecord,
)
from model_registry.registry import Registry, open_registry, restore_registry
from model_registry.retention import Retention
from model_registry.reviewed import AnnotatorWork, LedgerEntry, ReviewRecord, ReviewSummary
from model_registry.reviews import Review
from model_registry.tasks import Tasks
from model_registry.text import storable
from model_registry.versions import Versions
from model_registry.workers import Workers

__all__ = [
    "SORTS",
    "STOPPED",
    "TITLE",
    "AnnotatorWork",
    "Arrival",
    "ArtifactRef",
    "Artifacts",
    "GroupKind",
    "GroupRecord",
    "GroupRow",
    "GroupState",
    "Groups",
    "Inbox",
    "Kept",
    "LabelRecord",
    "Labels",
    "Lease",
    "Leases",
    "Ledger",
    "LedgerEntry",
    "Listing",
    "ModelCache",
    "Phase",
    "ProjectCounts",
    "ProjectRecord",
    "Projects",
    "Registry",
    "Report",
    "Retention",
    "Review",
    "ReviewRecord",
    "ReviewSummary",
    "Serving",
    "Sort",
    "Space",
    "Stored",
    "TaskLike",
    "TaskRecord",
    "Tasks",
    "VersionRecord",
    "VersionState",
    "Versions",
    "Work",
    "WorkerRecord",
    "Workers",
    "accepted_secrets",
    "open_registry",
    "restore_registry",
    "storable",
]
