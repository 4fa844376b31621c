"""A drawing on a canvas of pyqtgraph. Imported when the first chart is drawn: it takes a quarter of a second and 35 MB.

Only ever in the thread of the window. To import it is to make classes of Qt known to PySide, which keeps them (before Python 3.12)
in a map that the event loop reads at the same time, without a lock: now and then that ends the process.
"""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from dtaas_desktop.ui.drawings import Bars, Dots, Drawing, Line, bar_colour, ink_colour
from dtaas_desktop.ui.theme import body_font
from dtaas_desktop.ui.ticks import Tick
from dtaas_desktop.ui.tokens import Tokens

_AXIS, _FAR_AXIS, _FOOT = 48, 52, 26  # pixels; fixed, so that nothing moves when figures get longer


class Canvas:
    """`widget` shows the drawing last given. It takes no mouse and no keys: that is for whoever owns it."""

    def __init__(self, parent: QWidget) -> None:
        plot = pg.PlotWidget(parent, background=None)
        plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.viewport().setAutoFillBackground(False)
        plot.setCacheMode(plot.CacheModeFlag(0))  # a cached background is opaque
        self.widget: QWidget = plot
        self._item = plot.getPlotItem()
        self._view = self._item.getViewBox()
        self._item.setMenuEnabled(False)
        self._item.hideButtons()
        self._item.setContentsMargins(0, 8, 0, 0)
        self._view.setMouseEnabled(False, False)
        self._view.setDefaultPadding(0)
        self._view.disableAutoRange()
        self._item.showAxis("right")
        for side in ("left", "bottom", "right"):
            axis = self._item.getAxis(side)
            axis.setStyle(
                tickLength=0, tickAlpha=0, tickFont=body_font(11), autoExpandTextSpace=False, hideOverlappingLabels=False
            )
            axis.setPen(pg.mkPen(None))
        self._item.getAxis("left").setWidth(_AXIS)
        self._item.getAxis("bottom").setHeight(_FOOT)
        self._item.getAxis("bottom").setStyle(tickTextOffset=6)
        self._grid = pg.PlotCurveItem(connect="pairs")
        self._grid.setZValue(-10)
        self._item.addItem(self._grid, ignoreBounds=True)
        self._tokens: Tokens | None = None
        self._lines: list[pg.PlotCurveItem] = []
        self._bars: list[pg.BarGraphItem] = []
        self._dots: list[pg.ScatterPlotItem] = []

    def show(self, drawing: Drawing, tokens: Tokens) -> None:
        """Draw this; items are kept from drawing to drawing, so that a refresh only changes their figures."""
        self._view.setRange(xRange=(drawing.left, drawing.right), yRange=(0, drawing.top), padding=0, disableAutoRange=True)
        for side, ticks in (("left", drawing.y_ticks), ("bottom", drawing.x_ticks), ("right", drawing.far_ticks)):
            axis = self._item.getAxis(side)
            axis.setTicks([[(tick.at, tick.text) for tick in ticks]])
            if tokens != self._tokens:
                axis.setTextPen(tokens.dim)
        self._tokens = tokens
        self._item.getAxis("right").setWidth(_FAR_AXIS if drawing.far_ticks else 6)
        self._draw_grid(drawing.y_ticks, (drawing.left, drawing.right), tokens)
        self._draw_lines(drawing.lines, tokens)
        self._draw_bars(drawing.bars, tokens)
        self._draw_dots(drawing.dots, tokens)

    @property
    def room(self) -> QRectF:
        """Where the figures are, in pixels of the widget."""
        return QRectF(self._view.mapRectToScene(self._view.boundingRect()))

    def pixel(self, x: float) -> float:
        """Where an x of the drawing is, in pixels of the widget."""
        return float(self._view.mapViewToScene(QPointF(x, 0)).x())

    def x(self, pixel: float) -> float:
        """The x of the drawing at a pixel of the widget."""
        return float(self._view.mapSceneToView(QPointF(pixel, 0)).x())

    def _draw_grid(self, ticks: Sequence[Tick], span: tuple[float, float], tokens: Tokens) -> None:
        self._grid.setPen(pg.mkPen(tokens.soft, width=1))
        self._grid.setData(np.tile(np.array(span), len(ticks)), np.repeat([tick.at for tick in ticks], 2))

    def _draw_lines(self, lines: Sequence[Line], tokens: Tokens) -> None:
        # A pen of 1 device pixel takes Qt's fast way, antialiased too; wider ones are fast only without.
        width = max(1, round(self.widget.devicePixelRatioF()))
        while len(self._lines) < len(lines):
            self._lines.append(pg.PlotCurveItem())
            self._item.addItem(self._lines[-1], ignoreBounds=True)
        while len(self._lines) > len(lines):
            self._item.removeItem(self._lines.pop())
        for curve, line in zip(self._lines, lines, strict=True):
            curve.setPen(pg.mkPen(ink_colour(line.ink, tokens), width=width))
            curve.opts["antialias"] = width == 1
            curve.setData(np.array(line.xs), np.array(line.ys))

    def _draw_bars(self, bars: Sequence[Bars], tokens: Tokens) -> None:
        while len(self._bars) < len(bars):
            self._bars.append(pg.BarGraphItem(x=[], height=[], width=1, pen=None))
            self._item.addItem(self._bars[-1], ignoreBounds=True)
        while len(self._bars) > len(bars):
            self._item.removeItem(self._bars.pop())
        for item, one in zip(self._bars, bars, strict=True):
            item.setOpts(
                x=np.array(one.xs),
                height=np.array(one.heights),
                y0=np.array(one.bottoms),
                width=one.width,
                brush=pg.mkBrush(bar_colour(one.ink, tokens)),
                pen=pg.mkPen(None),
            )

    def _draw_dots(self, dots: Sequence[Dots], tokens: Tokens) -> None:
        while len(self._dots) < len(dots):
            self._dots.append(pg.ScatterPlotItem(size=6, pxMode=True, antialias=True))
            self._item.addItem(self._dots[-1], ignoreBounds=True)
        while len(self._dots) > len(dots):
            self._item.removeItem(self._dots.pop())
        for item, one in zip(self._dots, dots, strict=True):
            # A rim of the card's colour keeps a dot apart from the bar behind it.
            item.setPen(pg.mkPen(QColor(tokens.panel), width=1))
            item.setBrush(pg.mkBrush(ink_colour(one.ink, tokens)))
            item.setData(np.array(one.xs), np.array(one.ys))
