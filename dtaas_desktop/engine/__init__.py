"""How a run goes. Knows `emit(event)` and a `CancelToken`; nothing of Qt, SQLAlchemy or files."""
