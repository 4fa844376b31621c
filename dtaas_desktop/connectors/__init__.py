"""How systems are read and written: one package each, loaded on first use by `registry`."""
