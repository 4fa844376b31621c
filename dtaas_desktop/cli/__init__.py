"""The command line: everything without a window."""
