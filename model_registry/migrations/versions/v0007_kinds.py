"""The group that stands for a whole project is a kind of its own; its name was what told it from groups of tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = " all groups"
"""Of the group that stands for its project."""
OLD = {"groups": "name", "versions": "group"}
"""Where its name is kept: {table: column}."""


def upgrade() -> None:
    for name, column in OLD.items():
        op.add_column(name, sa.Column("kind", sa.String(16), nullable=False, server_default="tasks"))
        table = sa.table(name, sa.column(column), sa.column("kind"))
        op.execute(table.update().where(table.c[column] == NAME).values(kind="project"))
