"""python -m tests.servers.sqlserver: the stand-in by hand, with the sample data."""

import argparse
import sys
from pathlib import Path

from tests.servers.sqlserver.configuration import Configuration
from tests.servers.sqlserver.server import main


def run() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.sqlserver", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--folder", type=Path, help="keep the databases here; without it they go when the server ends")
    parser.add_argument("--tls", choices=["unsupported", "optional", "on", "required"], default="optional")
    parser.add_argument("--quiet", action="store_true", help="one line of JSON when ready; end when standard input is closed")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    if not arguments.quiet:
        from tests.servers.sqlserver.by_hand import run_with_sample

        sys.exit(run_with_sample(arguments.port or 1433, arguments.tls, arguments.folder))
    main(arguments.folder, arguments.port, Configuration(tls=arguments.tls), until_input_ends=True)


if __name__ == "__main__":
    run()
