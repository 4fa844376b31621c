"""Pure values and rules (standard library, pyarrow, pydantic); no I/O of any kind."""
