"""Reviews, pins and features; the doubt of groups and the raw score of predictions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("groups", sa.Column("doubt", sa.Double(), nullable=True))
    op.add_column("ledger", sa.Column("raw", sa.Double(), nullable=True))
    op.create_table(
        "reviews",
        sa.Column("annotation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("actions", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("tallies", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name="fk_reviews_project", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("annotation", name="pk_reviews"),
    )
    op.create_index("ix_reviews_project", "reviews", ["project"], unique=False)
    op.create_index("ix_reviews_task", "reviews", ["task"], unique=False)
    op.create_index(
        "ix_reviews_pending",
        "reviews",
        ["project"],
        unique=False,
        sqlite_where=sa.text("pending IS 1"),
        postgresql_where=sa.text("pending IS true"),
    )
    op.create_table(
        "pins",
        sa.Column("project", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "group"], ["groups.project", "groups.name"], name="fk_pins_project_group", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project", "group", "control", name="pk_pins"),
    )
    op.create_table(
        "features",
        sa.Column("task", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["task"], ["tasks.id"], name="fk_features_task", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task", name="pk_features"),
    )
    # Labels that were there before are reviewed as those that come now.
    op.execute(
        "INSERT INTO reviews (annotation, project, task, pending, annotator, round, created_at, shown, actions, accepted, "
        "labels, tallies) SELECT id, project, task, true, '', 0, updated_at, false, 0, 0, 0, '[]' FROM labels "
        "WHERE deleted_at IS NULL AND NOT skipped AND task IS NOT NULL"
    )
