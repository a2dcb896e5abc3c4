"""Workers that ended while they were at work on a group, and what that work was."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("groups", sa.Column("work", sa.Text(), nullable=True))
    op.add_column("groups", sa.Column("deaths", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("groups", sa.Column("died_at", sa.Integer(), nullable=True))
