"""Signs of life of workers; interrupted versions told from failed ones; what a training has to say, kept."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INTERRUPTED = (
    "the worker ended before it finished",
    "Newer labels came early in the training; it starts again with them.",
    "The worker is stopping or has lost the group; another one will train it.",
    "The worker is stopping or has lost the project; another one goes on.",
    "A group needs the worker; what is for the whole project waits.",
    "KeyboardInterrupt: %",
    "SystemExit: %",
    "Worker %; drop this work, whoever holds the group does it again.",
    "Group % was lost while proposals were made for it; drop them.",
)
"""Patterns of the reasons with which versions were called failed although nothing was wrong."""


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("doing", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_workers"),
    )
    op.add_column("groups", sa.Column("remark", sa.Text(), nullable=True))
    groups, versions = (sa.table(name, *map(sa.column, columns)) for name, columns in OLD.items())
    # Of a group that failed, the reason is the failure's; of any other, it is what the last training said.
    well = groups.c.failed_revision.is_(None)
    op.execute(groups.update().where(well, groups.c.reason.is_not(None)).values(remark=groups.c.reason))
    said = sa.or_(*(versions.c.reason.like(pattern) for pattern in INTERRUPTED))
    op.execute(versions.update().where(versions.c.state == "failed", said).values(state="interrupted"))


OLD = {"groups": ("reason", "remark", "failed_revision"), "versions": ("state", "reason")}
"""Tables and columns of what is changed."""
