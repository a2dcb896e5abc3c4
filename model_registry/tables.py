"""The tables. A change here needs a migration: tests/model_registry/test_database.py compares both.

Times are seconds since the epoch. Ids of tasks and labels, like names of groups, are unique within a project only:
two projects may live on two sources, or somebody may name another's. So every key carries the project.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    and_,
    literal_column,
    or_,
)
from sqlalchemy import Text as AnyText

from model_registry.text import storable


class Text(TypeDecorator[str]):
    """Text that both engines take, whatever somebody called a thing: one odd name must not fail its transaction."""

    impl = AnyText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """As it is stored, and compared."""
        return None if value is None else storable(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
RowId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in a column that is exactly INTEGER

projects = Table(
    "projects",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("config", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("synced_at", Double),
    Column("missing_since", Double),
    Column("gone_since", Double),
    # What the setting of that name says: queries ask it of every project, and one odd setting must not fail them.
    Column("stopped", Text),
)

groups = Table(
    "groups",
    metadata,
    Column("project", BigInteger, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("trained", Integer, nullable=False),
    Column("published", Integer, nullable=False),
    Column("trained_labels", Integer, nullable=False),
    Column("phase", String(16)),
    Column("progress", Double),
    Column("seconds_left", Double),
    Column("reason", Text),
    Column("failed_revision", Integer),
    Column("attempts", Integer, nullable=False),
    Column("first_due", Double),
    Column("due_at", Double),
    Column("forced", Boolean, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Double),
    Column("doubt", Double),
    Column("remark", Text),
    Column("work", Text),
    Column("deaths", Integer, nullable=False, server_default="0"),
    Column("died_at", Integer),
    Column("kind", String(16), nullable=False, server_default="tasks"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("project", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("group", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("problem", Text),
    Column("missing_since", Double),
    ForeignKeyConstraint(["project", "group"], ["groups.project", "groups.name"], ondelete="CASCADE"),
    Index(None, "project", "group"),
)

# No foreign key to the task: an event about a label may come before the one about its task, and a tombstone may know
# neither. The row of a deleted label stays, without content, so that a late event cannot bring the label back.
labels = Table(
    "labels",
    metadata,
    Column("project", BigInteger, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("task", BigInteger),
    Column("result", JSON, nullable=False),
    Column("skipped", Boolean, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("deleted_at", Double),
    Column("missing_since", Double),
    Column("details", JSON, nullable=False),
    Index(None, "project", "task"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("project", BigInteger, nullable=False),
    Column("group", Text, nullable=False),
    Column("control", Text, nullable=False),
    Column("head", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("parent", BigInteger),
    Column("start", Text, nullable=False),
    Column("label_revision", Integer, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("recipe", JSON, nullable=False),
    Column("artifact_uri", Text),
    Column("artifact_sha256", String(64)),
    Column("artifact_nbytes", BigInteger),
    Column("reason", Text),
    Column("rolled_back", Boolean, nullable=False),
    Column("seconds", Double),
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    # That of its group, which never changes.
    Column("kind", String(16), nullable=False, server_default="tasks"),
    ForeignKeyConstraint(["project", "group"], ["groups.project", "groups.name"], ondelete="CASCADE"),
    # An id is never given twice, not even after its project is deleted: caches of loaded models are keyed by it.
    sqlite_autoincrement=True,
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("project", BigInteger, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("task", BigInteger, nullable=False),
    Column("prediction_id", BigInteger),
    Column("result", JSON, nullable=False),
    Column("score", Double, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("published_at", Double, nullable=False),
    Column("uncalibrated_score", Double),
    Index(None, "project", "task", "id"),
)

# One row for each live label that is not skipped. A write of the label makes it pending in the same transaction; the
# comparison with what was shown is done later, by whoever asks or trains first.
reviews = Table(
    "reviews",
    metadata,
    Column("project", BigInteger, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("annotation", BigInteger, primary_key=True, autoincrement=False),
    Column("task", BigInteger, nullable=False),
    Column("pending", Boolean, nullable=False),
    Column("annotator", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("shown", Boolean, nullable=False),
    Column("score", Double),
    Column("actions", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("tallies", JSON, nullable=False),
    Index(None, "project", "task"),
)

# A micro-model that a person pinned goes on serving whatever trainings end, until the pin is lifted.
pins = Table(
    "pins",
    metadata,
    Column("project", BigInteger, primary_key=True, autoincrement=False),
    Column("group", Text, primary_key=True),
    Column("control", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    ForeignKeyConstraint(["project", "group"], ["groups.project", "groups.name"], ondelete="CASCADE"),
)

# What a frozen network sees in the frame of a task, to tell which frames look alike; made again where it is missing.
features = Table(
    "features",
    metadata,
    Column("project", BigInteger, primary_key=True, autoincrement=False),
    Column("task", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    ForeignKeyConstraint(["project", "task"], ["tasks.project", "tasks.id"], ondelete="CASCADE"),
)

labels_task = and_(labels.c.project == tasks.c.project, labels.c.task == tasks.c.id)
"""The label is of the task."""

reviews_task = and_(reviews.c.project == tasks.c.project, reviews.c.task == tasks.c.id)
"""The review is of the task."""

# A sign of life of each worker, written seldom. One beside a server has one row for all processes that come after each
# other there, so that "it does not start" is one row as well.
workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double),
    Column("ended_at", Double),
    Column("last_error", Text),
    Column("doing", Text),
)

counts = and_(labels.c.deleted_at.is_(None), labels.c.skipped.is_(False))
"""The label is live and not skipped: it is trained on."""

open_ = or_(
    groups.c.wanted != groups.c.trained,
    groups.c.published != groups.c.trained,
    groups.c.forced.is_(True),
    groups.c.failed_revision == groups.c.wanted,
)
"""There is something left to do for the group; `GroupRecord.state` says the same of one record."""

of_tasks = groups.c.kind == literal_column("'tasks'")
"""The group is one of tasks; any other stands for its project."""

serves = versions.c.state == literal_column("'serving'")
"""Written out, not passed as a parameter: only so can a planner tell that the index below covers it."""

# The database itself refuses a second serving version, and the lookup of /predict reads this small index only.
micro_model = (versions.c.project, versions.c.group, versions.c.control)
Index(
    "ix_versions_serving",
    *micro_model,
    unique=True,
    sqlite_where=serves,
    postgresql_where=serves,
)
Index("ix_versions_number", *micro_model, versions.c.number, unique=True)
Index("ix_groups_open", groups.c.due_at, sqlite_where=open_, postgresql_where=open_)
leased = groups.c.lease_owner.is_not(None)
Index("ix_groups_lease_owner", groups.c.lease_owner, sqlite_where=leased, postgresql_where=leased)
is_pending = reviews.c.pending.is_(True)
Index("ix_reviews_pending", reviews.c.project, sqlite_where=is_pending, postgresql_where=is_pending)
