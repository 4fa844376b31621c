"""How truly the columns of a table run arrive, and what reading cost the sources."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("table_run", sa.Column("fidelity", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "source_cost",
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("connection", sa.String(length=200), nullable=False),
        sa.Column("statements", sa.BigInteger(), nullable=False),
        sa.Column("longest_statement", sa.Float(), nullable=False),
        sa.Column("longest_transaction", sa.Float(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("replaced", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_source_cost_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "connection", name=op.f("pk_source_cost")),
    )
