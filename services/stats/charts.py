"""Small charts as SVG, drawn on the server: pure. They are told apart by shape, not by colour.

What is measured is a filled bar or a full line with dots, what it is held against an outlined bar or a dashed line
with squares. A chart is one picture to a screen reader; its numbers stand in the table beside it.
"""

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

WIDTH = 360
"""In units of the drawing: a telephone shows it at its own size, a desk half as large again."""
_VALUES = 64
_LETTERS_MAX = 48
"""A longer label would leave the drawing; the table has it in full."""
_ROW, _ROW_ALONE = 52, 38
_PLOT_TOP, _PLOT_BOTTOM, _PLOT_LEFT, _PLOT_RIGHT = 12, 170, 44, 350
_LINES_HEIGHT = 196
_STEPS = (1, 2, 4, 5, 10)


class Bar(NamedTuple):
    """One value with the one that it is held against, if any, and how both are written out."""

    label: str
    value: float
    written: str
    before: float | None = None
    before_written: str = ""


class Point(NamedTuple):
    """One place on the axis of time. None: not counted, or not come yet."""

    label: str
    value: float | None
    before: float | None = None


def bars(name: str, title: str, rows: Sequence[Bar]) -> Markup:
    """Lying bars from one zero, all in one unit. `name` is the chart's own on its page. No rows, no chart."""
    if not rows:
        return Markup("")
    height = _ROW if any(row.before is not None for row in rows) else _ROW_ALONE
    drawing = _drawing(name, title, height * len(rows))
    most = max(max(row.value, row.before or 0) for row in rows) or 1
    for number, row in enumerate(rows):
        top = number * height
        _write(drawing, _short(row.label), 0, top + 13)
        _bar(drawing, "value", top + 19, 13, row.value / most, row.written)
        if row.before is not None:
            _bar(drawing, "before", top + 34, 11, row.before / most, row.before_written)
    return _markup(drawing)


def lines(name: str, title: str, points: Sequence[Point], ticks: Sequence[tuple[float, str]]) -> Markup:
    """A line over time, and the one of before. `ticks`: (value, how it is written), from nought to the top."""
    if not points:
        return Markup("")
    drawing = _drawing(name, title, _LINES_HEIGHT)
    top = max(value for value, _ in ticks) or 1

    def height(value: float) -> float:
        return _PLOT_BOTTOM - value / top * (_PLOT_BOTTOM - _PLOT_TOP)

    for value, written in ticks:
        y = _figure(height(value))
        SubElement(drawing, "line", {"class": "grid", "x1": str(_PLOT_LEFT), "x2": str(_PLOT_RIGHT), "y1": y, "y2": y})
        _write(drawing, written, _PLOT_LEFT - 6, height(value) + 4, "end")
    step = (_PLOT_RIGHT - _PLOT_LEFT - 12) / max(len(points) - 1, 1)
    places = [_PLOT_LEFT + 6 + number * step for number in range(len(points))]
    for x, point in zip(places, points, strict=True):
        _write(drawing, point.label, x, _PLOT_BOTTOM + 18, "middle")
    _line(
        drawing, "before", [(x, height(p.before)) for x, p in zip(places, points, strict=True) if p.before is not None]
    )
    _line(drawing, "value", [(x, height(p.value)) for x, p in zip(places, points, strict=True) if p.value is not None])
    return _markup(drawing)


def top_of_axis(most: float) -> int:
    """The round number at or above the largest value, even, so that its half is a whole one."""
    size = 2
    while True:
        for step in _STEPS:
            if step * size >= most:
                return step * size
        size *= 10


def _drawing(name: str, title: str, height: int) -> Element:
    box = f"0 0 {WIDTH} {height}"
    drawing = Element("svg", {"class": "chart", "viewBox": box, "role": "img", "aria-labelledby": f"{name}-title"})
    SubElement(drawing, "title", {"id": f"{name}-title"}).text = title
    return drawing


def _bar(drawing: Element, kind: str, y: int, thickness: int, share: float, written: str) -> None:
    length = max(share, 0) * (WIDTH - _VALUES)
    # An outline is drawn half outside of its box.
    box = {"x": "0.5", "y": _figure(y + 0.5), "width": _figure(max(length, 1)), "height": str(thickness - 1)}
    SubElement(drawing, "rect", {"class": kind, **box})
    _write(drawing, written, length + 6, y + thickness - 1.5)


def _line(drawing: Element, kind: str, places: Sequence[tuple[float, float]]) -> None:
    if not places:
        return
    path = " ".join(f"{_figure(x)},{_figure(y)}" for x, y in places)
    SubElement(drawing, "polyline", {"class": kind, "points": path})
    for x, y in places:
        if kind == "value":
            SubElement(drawing, "circle", {"class": kind, "cx": _figure(x), "cy": _figure(y), "r": "3.5"})
        else:
            at = {"x": _figure(x - 3), "y": _figure(y - 3), "width": "6", "height": "6"}
            SubElement(drawing, "rect", {"class": kind, **at})


def _write(drawing: Element, words: str, x: float, y: float, anchor: str = "start") -> None:
    place = {"x": _figure(x), "y": _figure(y), "text-anchor": anchor}
    SubElement(drawing, "text", place).text = words


def _short(label: str) -> str:
    return label if len(label) <= _LETTERS_MAX else f"{label[: _LETTERS_MAX - 1].rstrip()}…"


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _markup(drawing: Element) -> Markup:
    # Everything in it was escaped as XML when it was written out.
    return Markup(tostring(drawing, encoding="unicode"))  # noqa: S704
