"""Keys of tasks, labels, reviews and features carry the project; what is missing from the source is noted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("missing_since", "gone_since"):
        op.add_column("projects", sa.Column(name, sa.Double(), nullable=True))
    # Made again by whoever misses them; and dropping the tasks' key would need their foreign key gone anyway.
    op.drop_table("features")
    with op.batch_alter_table("tasks") as tasks:
        tasks.add_column(sa.Column("missing_since", sa.Double(), nullable=True))
        tasks.drop_constraint("pk_tasks", type_="primary")
        tasks.create_primary_key("pk_tasks", ["project", "id"])
    _key_labels()
    _key_reviews()
    op.drop_index("ix_ledger_project", "ledger")
    op.drop_index("ix_ledger_task_id", "ledger")
    op.create_index("ix_ledger_project_task_id", "ledger", ["project", "task", "id"])
    op.create_table(
        "features",
        sa.Column("project", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "task"], ["tasks.project", "tasks.id"], name="fk_features_project_task", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project", "task", name="pk_features"),
    )


def _key_labels() -> None:
    op.drop_index("ix_labels_project", "labels")
    op.drop_index("ix_labels_task", "labels")
    with op.batch_alter_table("labels") as labels:
        labels.add_column(sa.Column("missing_since", sa.Double(), nullable=True))
        # When they were told is not known: long ago, so that the next listing wins.
        labels.add_column(sa.Column("seen_at", sa.Double(), nullable=False, server_default="0"))
        labels.drop_constraint("pk_labels", type_="primary")
        labels.create_primary_key("pk_labels", ["project", "id"])
    with op.batch_alter_table("labels") as labels:
        labels.alter_column("seen_at", server_default=None)
    op.create_index("ix_labels_project_task", "labels", ["project", "task"])


def _key_reviews() -> None:
    for name in ("ix_reviews_pending", "ix_reviews_project", "ix_reviews_task"):
        op.drop_index(name, "reviews")
    with op.batch_alter_table("reviews") as reviews:
        reviews.drop_constraint("pk_reviews", type_="primary")
        reviews.create_primary_key("pk_reviews", ["project", "annotation"])
    op.create_index("ix_reviews_project_task", "reviews", ["project", "task"])
    op.create_index(
        "ix_reviews_pending",
        "reviews",
        ["project"],
        sqlite_where=sa.text("pending IS 1"),
        postgresql_where=sa.text("pending IS true"),
    )
