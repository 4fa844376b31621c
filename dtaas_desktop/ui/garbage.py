"""Python's cyclic garbage is collected in the thread of the window, and in no other.

Python collects wherever it happens to allocate. In a thread of a pool that would destroy what belongs to the window while its event
loop uses it: Qt wants an object to be destroyed in the thread that it lives in, or a timer goes on without its object and a scene
draws an item that is gone (https://doc.qt.io/qt-6/threads-qobject.html).
"""

import gc

from PySide6.QtCore import QObject, QTimer

LOOK_MILLISECONDS = 500


class Garbage(QObject):
    """Collects now and then between `begin` and `end`, as much as Python would by its thresholds; Python itself does not meanwhile."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._frozen = False

    def begin(self) -> None:
        gc.disable()
        self._timer.start(LOOK_MILLISECONDS)

    def end(self) -> None:
        self._timer.stop()
        gc.enable()

    def _look(self) -> None:
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                if generation == 2 and not self._frozen:
                    # What is there since the start stays; without it the next full collection takes a few milliseconds.
                    gc.freeze()
                    self._frozen = True
                return
