"""The score of a prediction before calibration is called so; the values stay."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("ledger", "raw", new_column_name="uncalibrated_score")
