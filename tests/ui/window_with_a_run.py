"""The application, with a run started as soon as its window is there. Usage: window_with_a_run.py WORKSPACE TASK GATE"""

import json
import sys
from pathlib import Path
from unittest.mock import patch

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from dtaas_desktop.services import run_process
from dtaas_desktop.services.run_request import RunRequest
from dtaas_desktop.ui import app
from dtaas_desktop.ui.main_window import MainWindow

DRIVEN = Path(__file__).parent.parent / "cli" / "driven.py"


def main(workspace: Path, task: str, gate: str) -> int:
    run_process._program = lambda: [sys.executable, str(DRIVEN), json.dumps({"hold": "stage", "gate": gate})]
    started: list[bool] = []

    def look() -> None:
        windows = [one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow)]
        if windows and not started:
            started.append(True)
            windows[0].context.runs.start(RunRequest(task))

    class WatchedDesk(app.Desk):
        def begin(self, folder: Path) -> None:
            timer = QTimer(self)
            timer.timeout.connect(look)
            timer.start(20)
            super().begin(folder)

    with patch.object(app, "Desk", WatchedDesk):
        return app.main(workspace, ())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
