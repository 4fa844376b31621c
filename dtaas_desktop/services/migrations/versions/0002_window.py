"""What the window shows: figures of running runs, the timeline of parts, activity over time, schedules."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, columns in (("run", _RUN), ("table_run", _TABLE_RUN)):
        for column in columns:
            op.add_column(table, column)
    op.create_index("ix_run_task_state_started", "run", ["task", "state", "started_at"], unique=False)
    op.create_index("ix_run_name_state_started", "run", ["task_name", "state", "started_at"], unique=False)
    op.create_index("ix_run_started", "run", ["started_at"], unique=False)
    op.create_index("ix_run_state_started", "run", ["state", "started_at"], unique=False)
    op.create_table(
        "part_run",
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("table_run", sa.Text(), nullable=False),
        sa.Column("part", sa.String(length=100), nullable=False),
        sa.Column("began_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_part_run_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "table_run", "part", name=op.f("pk_part_run")),
    )
    op.create_table(
        "activity",
        sa.Column("span", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("began_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task", sa.String(length=36), nullable=False),
        sa.Column("rows_written", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("peak", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("span", "began_at", "task", name=op.f("pk_activity")),
    )
    op.create_table(
        "schedule_mark",
        sa.Column("task", sa.String(length=36), nullable=False),
        sa.Column("handled_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("task", name=op.f("pk_schedule_mark")),
    )


_RUN: tuple[sa.Column[Any], ...] = (
    sa.Column("host", sa.String(length=100), nullable=False, server_default=""),
    sa.Column("origin", sa.String(length=20), nullable=False, server_default="command line"),
    sa.Column("rows_read", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("rows_written", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("rows_rejected", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("rows_per_second", sa.Float(), nullable=False, server_default="0"),
    sa.Column("percent", sa.Float(), nullable=True),
    sa.Column("seconds_left", sa.Float(), nullable=True),
    sa.Column("following", sa.Boolean(), nullable=False, server_default=sa.false()),
)
_TABLE_RUN: tuple[sa.Column[Any], ...] = (
    sa.Column("failure", sa.String(length=10), nullable=False, server_default=""),
    sa.Column("rows_per_second", sa.Float(), nullable=False, server_default="0"),
    sa.Column("percent", sa.Float(), nullable=True),
    sa.Column("seconds_left", sa.Float(), nullable=True),
)
