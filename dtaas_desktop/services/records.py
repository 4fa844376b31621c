"""The tables of the metadata database. A change here needs a migration (migrations/versions)."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

settings = Table("setting", metadata, Column("name", String(100), primary_key=True), Column("value", Text, nullable=False))

connections = Table(
    "connection",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("kind", String(50), nullable=False),
    Column("settings", Text, nullable=False),  # JSON; secrets only as references
)

tasks = Table(
    "task",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("design", Text, nullable=False),  # JSON, as in a task file
    Column("options", Text, nullable=False),  # JSON, as in a task file
    Column("changed_at", Float, nullable=False),  # seconds since 1970, UTC, as everywhere here
)

secrets = Table(
    "secret",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("ciphertext", Text, nullable=False),  # Fernet; the key is a file beside the database
)

runs = Table(
    "run",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("task", String(36), nullable=False),  # no foreign key: history outlives its task
    Column("task_name", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("request", String(10)),  # pause or cancel, asked by another process
    Column("process", Integer, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),  # last sign of life
    Column("finished_at", Float),
    Column("plan", String(64)),
    Column("failures", Text, nullable=False, default=""),
    Column("message", Text, nullable=False, default=""),
    Column("remedy", Text, nullable=False, default=""),
    Column("host", String(100), nullable=False, default=""),  # the machine it ran on: a metadata database may serve several
    Column("origin", String(20), nullable=False, default="command line"),  # who started it: window, schedule or command line
    # Over all its table runs, written while it goes on: lists and charts need no join.
    Column("rows_read", BigInteger, nullable=False, default=0),
    Column("rows_written", BigInteger, nullable=False, default=0),
    Column("rows_rejected", BigInteger, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("rows_per_second", Float, nullable=False, default=0.0),  # now; of a finished run: its average
    Column("percent", Float),
    Column("seconds_left", Float),
    Column("following", Boolean, nullable=False, default=False),
    Index("ix_run_task_started", "task", "started_at"),
    Index("ix_run_task_state_started", "task", "state", "started_at"),
    Index("ix_run_name_state_started", "task_name", "state", "started_at"),
    Index("ix_run_started", "started_at"),
    Index("ix_run_state_started", "state", "started_at"),
)

table_runs = Table(
    "table_run",
    metadata,
    Column("run", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("began_at", Float, nullable=False),
    Column("source_table", Text, nullable=False),
    Column("connection", String(200), nullable=False, default=""),
    Column("target", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("rows_read", BigInteger, nullable=False, default=0),
    Column("rows_filtered", BigInteger, nullable=False, default=0),
    Column("rows_rejected", BigInteger, nullable=False, default=0),
    Column("rows_written", BigInteger, nullable=False, default=0),
    Column("cells_nulled", BigInteger, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("files", Integer, nullable=False, default=0),
    Column("parts", Integer, nullable=False, default=0),
    Column("parts_done", Integer, nullable=False, default=0),
    Column("rows_estimate", BigInteger),
    Column("rows_per_second", Float, nullable=False, default=0.0),
    Column("percent", Float),
    Column("seconds_left", Float),
    Column("seconds", Float),
    Column("revision", BigInteger),
    Column("kind", String(10), nullable=False, default="load"),  # of the latest publication: load or changes
    Column("position", Text),
    Column("as_of", Float),  # up to when the target holds what was committed at the source
    Column("location", Text, nullable=False, default=""),
    Column("query", Text, nullable=False, default=""),
    Column("failure", String(10), nullable=False, default=""),  # fix, reload, wait, bug or drift
    Column("message", Text, nullable=False, default=""),
    Column("remedy", Text, nullable=False, default=""),
    Column("fidelity", Text, nullable=False, default=""),  # a line for each way in which columns do not arrive as they are
)

source_costs = Table(  # what reading cost the sources of a run, by connection (domain.harm)
    "source_cost",
    metadata,
    Column("run", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("connection", String(200), primary_key=True),
    Column("statements", BigInteger, nullable=False),
    Column("longest_statement", Float, nullable=False),  # seconds, as the next
    Column("longest_transaction", Float, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("replaced", BigInteger, nullable=False),
)

part_runs = Table(  # the timeline of a run
    "part_run",
    metadata,
    Column("run", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("table_run", Text, primary_key=True),
    Column("part", String(100), primary_key=True),
    Column("began_at", Float, nullable=False),
    Column("ended_at", Float, nullable=False),
    Column("rows_read", BigInteger, nullable=False),
)

activity = Table(  # sums over spans of time, so that charts of a month need not read a million runs
    "activity",
    metadata,
    Column("span", Integer, primary_key=True),  # seconds: 60 or 3600
    Column("began_at", BigInteger, primary_key=True),  # seconds since 1970, a multiple of the span
    Column("task", String(36), primary_key=True),
    Column("rows_written", BigInteger, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("runs", Integer, nullable=False, default=0),  # that ended in it
    Column("failed", Integer, nullable=False, default=0),  # of these
    Column("seconds", Float, nullable=False, default=0.0),  # of these, together
    Column("peak", Float, nullable=False, default=0.0),  # the highest rows a second seen
)

schedule_marks = Table(
    "schedule_mark",
    metadata,
    Column("task", String(36), primary_key=True),
    Column("handled_at", Float, nullable=False),  # every time due up to here is done with
)

plans = Table(
    "plan",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("task", String(36), nullable=False, index=True),
    Column("exact", Boolean, nullable=False),
    Column("content", Text, nullable=False),  # JSON (domain.plan)
)

staged_parts = Table(
    "staged_part",
    metadata,
    Column("plan", ForeignKey("plan.id", ondelete="CASCADE"), primary_key=True),
    Column("table_index", Integer, primary_key=True),
    Column("part", String(100), primary_key=True),
    Column("route", Text, primary_key=True),
    Column("content", Text, nullable=False),  # JSON (domain.target.Staged)
)

published_routes = Table(
    "published_route",
    metadata,
    Column("plan", ForeignKey("plan.id", ondelete="CASCADE"), primary_key=True),
    Column("table_index", Integer, primary_key=True),
    Column("route", Text, primary_key=True),
)

log_lines = Table(
    "log_line",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("level", String(10), nullable=False),
    Column("source_table", Text, nullable=False, default=""),
    Column("message", Text, nullable=False),
)
