"""Chooses what to start. Qt is never imported for the command line."""

import sys


def main() -> int:
    """The exit code of the program."""
    from dtaas_desktop.cli.main import main as command_line

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
