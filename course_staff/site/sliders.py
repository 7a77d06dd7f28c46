"""A chapter's sliders without a kernel: every picture of a slider's grid as vector data that a small script draws.

The pictures come from the two functions that the slider itself calls. Matplotlib draws them on a renderer that
writes SVG elements down instead of setting pixels; an element that many pictures share is stored once.
"""

from __future__ import annotations

import ast
import base64
import gzip
import hashlib
import inspect
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_hex
from matplotlib.path import Path as Curve
from matplotlib.transforms import Affine2D
from nbformat import NotebookNode

from course_staff.cells import called, imported, needed, parse
from course_staff.fingerprint import files
from course_staff.source import first_line
from course_utils import audience
from course_utils.figures.slider import Control, Redrawn, Slider, show_slider

#: A larger grid is thinned to every second value of its longest sliders, to every third, and so on; their ends stay.
LARGEST_GRID = 4000
#: SVG units per pixel: coordinates are whole numbers, which compress well.
UNITS = 10


class SliderError(Exception):
    """A slider that cannot be computed for the page, named by file and cell."""


def find(notebook: NotebookNode) -> list[int]:
    """The numbers of the code cells that call ``explore``."""
    return [
        number
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and called(parse(cell.source), "explore")
    ]


def read(notebook: NotebookNode, number: int, label: str) -> Slider:
    """The slider of one cell, from running that cell and those earlier statements that define the names it uses.

    Nothing else of the notebook runs. Therefore a slider may use imports, functions, and variables that are
    assigned once and do not come from a random generator. Messages call the notebook ``label``.

    Raises:
        SliderError: if the cell calls ``explore`` not exactly once, uses a name that is bound otherwise, or fails.
    """
    where = f"{label}, cell {number + 1} ({first_line(notebook.cells[number])!r})"
    caught: list[Slider] = []
    namespace: dict[str, Any] = {"__name__": "slider"}
    try:
        with audience.only({show_slider: lambda slider: caught.append(thinned(slider))}):
            exec(compile(_program(notebook, number), where, "exec"), namespace)
    except Exception as error:
        raise SliderError(f"{where}: cannot be computed for the site: {type(error).__name__}: {error}") from error
    streams = sorted(key for key, value in namespace.items() if isinstance(value, np.random.Generator))
    if streams:
        raise SliderError(
            f"{where}: uses the random generator {streams[0]!r}, whose state depends on cells that do not run for "
            "the site; compute what it draws in a function with a seed of its own"
        )
    if len(caught) != 1:
        raise SliderError(f"{where}: calls explore {len(caught)} times; once is expected")
    return caught[0]


def fingerprint(notebook: NotebookNode, number: int, root: Path) -> str:
    """What the pictures of one cell's slider depend on, as a hash; the rest of its chapter may change."""
    try:
        program = _program(notebook, number)
    except ValueError:  # which `read` reports
        return "none"
    modules = files({meant for _, meant in imported(ast.walk(program), "course_utils")}, root)
    parts: tuple[Callable, ...] = (thinned, Recorder, _shape, Pictures, _Shelf, compute, join, script)
    texts = [str(LARGEST_GRID), ast.unparse(program), *map(inspect.getsource, parts)]
    texts += [path.read_text("utf-8") for path in modules]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _program(notebook: NotebookNode, number: int) -> ast.Module:
    """The cell, after those earlier statements that it needs."""
    trees = [parse(cell.source) for cell in notebook.cells[: number + 1] if cell.cell_type == "code"]
    before = [node for tree in trees[:-1] for node in tree.body]
    return ast.Module([*needed(trees[-1], before), *trees[-1].body], [])


def thinned(slider: Slider) -> Slider:
    """The slider with at most :data:`LARGEST_GRID` pictures: its longest scales keep every second value, or fewer."""
    longest = max(len(control.values) for control in slider.controls.values())

    def every(stride: int, control: Control) -> Control:
        last = len(control.values) - 1
        if control.buttons or 2 * len(control.values) <= longest:
            return control
        # The start stays on the grid, and so do both ends.
        kept = sorted({0, last, *range(control.start % stride, last, stride)})
        values = [control.values[number] for number in kept]
        return replace(control, values=values, start=kept.index(control.start))

    for stride in range(1, longest + 1):
        controls = {name: every(stride, control) for name, control in slider.controls.items()}
        thin = replace(slider, controls=controls)
        if thin.size <= LARGEST_GRID:
            return thin
    raise ValueError(f"a grid of {slider.size} pictures is too large")


class Recorder(RendererBase):
    """Matplotlib's drawing commands as SVG elements, in units of a tenth of a pixel.

    An element is its markup; of many equal markers, it is ``[attributes, shape, places]``.
    """

    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__()
        self.width, self.height, self.dpi = width, height, dpi
        self.elements: list[str | list] = []
        self.clips: list[tuple] = []
        self._agg = RendererAgg(width, height, dpi)  # measures texts
        self._to_units = Affine2D().scale(UNITS, -UNITS).translate(0, height * UNITS)

    def get_canvas_width_height(self):
        return self.width, self.height

    def points_to_pixels(self, points):
        return points * self.dpi / 72

    def flipy(self):
        return True

    def get_text_width_height_descent(self, s, prop, ismath):
        return self._agg.get_text_width_height_descent(s, prop, ismath)

    def draw_path(self, gc, path, transform, rgbFace=None):
        line = rgbFace is None
        clip = (0, 0, self.width * UNITS, self.height * UNITS) if line else None
        curve = path.cleaned(transform + self._to_units, remove_nans=True, clip=clip, simplify=line, curves=True)
        shape = _shape(curve, start=None)
        if not shape:
            return
        attributes = self._attributes(gc, rgbFace)
        last = self.elements[-1] if self.elements else None
        # Segments of one colour become one element; where colours mix, the order counts.
        if line and "opacity" not in attributes and isinstance(last, str) and last.startswith(f"<path{attributes} "):
            self.elements[-1] = last[:-3] + shape + '"/>'
        else:
            self.elements.append(f'<path{attributes} d="{shape}"/>')

    def draw_path_collection(
        self, gc, master, paths, transforms, offsets, offset_trans, faces, edges, widths, styles, *rest, **more
    ):
        alike = len(edges) == len(widths) == len(styles) == 1 and not len(faces) and not len(transforms)
        if not alike or len(offsets) > 1 or np.any(offsets):
            super().draw_path_collection(
                gc, master, paths, transforms, offsets, offset_trans, faces, edges, widths, styles, *rest, **more
            )
            return
        # Segments of one colour in one go: one at a time they would cost half of the whole site's pictures.
        own = self.new_gc()
        own.copy_properties(gc)
        own.set_foreground(edges[0], isRGBA=True)
        own.set_linewidth(widths[0])
        own.set_dashes(*styles[0])
        self.draw_path(own, Curve.make_compound_path(*paths), master)

    def draw_markers(self, gc, marker_path, marker_trans, path, trans, rgbFace=None):
        flipped = marker_trans + Affine2D().scale(UNITS, -UNITS)
        shape = _shape(marker_path.cleaned(flipped, curves=True), start=(0, 0))
        points = path.cleaned(trans + self._to_units, remove_nans=True)
        inside = np.isin(points.codes, (Curve.MOVETO, Curve.LINETO))
        places = np.rint(points.vertices[inside]).astype(int).ravel().tolist()
        if places:
            self.elements.append([self._attributes(gc, rgbFace), shape, places])

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        if ismath:
            self._draw_text_as_path(gc, x, y, s, prop, angle, ismath, mtext)
            return
        x, y = round(x * UNITS), round(y * UNITS)
        size = self.points_to_pixels(prop.get_size_in_points()) * UNITS
        bold = ' font-weight="bold"' if prop.get_weight() in ("bold", 700) else ""
        turn = f' transform="rotate({-angle:g} {x} {y})"' if angle else ""
        rgba = gc.get_rgb()
        pale = f' opacity="{rgba[3]:g}"' if rgba[3] < 1 else ""
        self.elements.append(
            f'<text x="{x}" y="{y}" font-size="{size:g}"{bold}{turn}{pale} fill="{to_hex(rgba)}">{escape(s)}</text>'
        )

    def draw_image(self, gc, x, y, im, transform=None):
        from PIL import Image

        if transform is not None:
            raise NotImplementedError("an image that is drawn by an affine transformation")
        height, width = im.shape[:2]
        buffer = io.BytesIO()
        Image.fromarray(im[::-1]).save(buffer, "png", optimize=True)
        source = base64.b64encode(buffer.getvalue()).decode()
        top = round((self.height - y - height) * UNITS)
        self.elements.append(
            f'<image x="{round(x * UNITS)}" y="{top}" width="{width * UNITS}" height="{height * UNITS}" '
            f'preserveAspectRatio="none" href="data:image/png;base64,{source}"/>'
        )

    def _attributes(self, gc, rgbFace) -> str:
        found = {"fill": "none" if rgbFace is None else to_hex(rgbFace[:3])}
        if rgbFace is not None:
            alpha = gc.get_alpha() if gc.get_forced_alpha() or len(rgbFace) < 4 else rgbFace[3]
            if alpha < 1:
                found["fill-opacity"] = f"{alpha:.3g}"
        width = self.points_to_pixels(gc.get_linewidth()) * UNITS
        rgba = gc.get_rgb()
        if width and rgba[3]:
            found |= {"stroke": to_hex(rgba[:3]), "stroke-width": f"{width:.3g}"}
            if rgba[3] < 1:
                found["stroke-opacity"] = f"{rgba[3]:.3g}"
            found["stroke-linejoin"] = gc.get_joinstyle()
            found["stroke-linecap"] = {"projecting": "square"}.get(gc.get_capstyle(), gc.get_capstyle())
            offset, dashes = gc.get_dashes()
            if dashes is not None:
                found["stroke-dasharray"] = " ".join(f"{self.points_to_pixels(d) * UNITS:.3g}" for d in dashes)
                if offset:
                    found["stroke-dashoffset"] = f"{self.points_to_pixels(offset) * UNITS:.3g}"
        box = gc.get_clip_rectangle()
        if box is not None:
            (left, bottom), (right, top) = self._to_units.transform(box.get_points()).round().astype(int).tolist()
            clip = (left, top, right - left, bottom - top)
            if clip not in self.clips:
                self.clips.append(clip)
            found["clip-path"] = f"url(#CLIP{self.clips.index(clip)})"
        return "".join(f' {key}="{value}"' for key, value in found.items())


_COMMANDS = {Curve.MOVETO: "m", Curve.LINETO: "l", Curve.CURVE3: "q", Curve.CURVE4: "c"}
_LENGTHS = {Curve.MOVETO: 1, Curve.LINETO: 1, Curve.CURVE3: 2, Curve.CURVE4: 3}


def _shape(curve: Curve, start: tuple[int, int] | None) -> str:
    """A cleaned path's commands, relative to the point before; the first point absolute, or relative to ``start``."""
    points = np.rint(curve.vertices).astype(int).tolist()
    codes = np.asarray(curve.codes).tolist()
    parts, at, begun, before = [], start, start, None
    index = 0
    while index < len(codes):
        code = codes[index]
        if code == Curve.STOP:
            break
        if code == Curve.CLOSEPOLY:
            parts.append("z")
            at, before = begun, "z"
            index += 1
            continue
        length = _LENGTHS[code]
        some = points[index : index + length]
        command = _COMMANDS[code]
        if at is None:
            numbers, command = some[0], "M"
        else:
            numbers = [value for x, y in some for value in (x - at[0], y - at[1])]
        # SVG reads further pairs of numbers as the same command again.
        text = " ".join(map(str, numbers)).replace(" -", "-")
        parts.append((command if command != before or command == "m" else "" if text[0] == "-" else " ") + text)
        at, before = some[-1], command
        if code == Curve.MOVETO:
            begun = at
        index += length
    return "".join(parts)


class Pictures(Redrawn):
    """Draws a slider's pictures one after another, as elements."""

    def __init__(self, slider: Slider) -> None:
        super().__init__(slider.draw)
        self.slider = slider
        self.width, self.height = (round(size) for size in self.figure.bbox.size)
        self._renderer = Recorder(self.width, self.height, self.figure.dpi)
        self.clips = self._renderer.clips
        self.picture(slider.first)  # which decides on the layout, as it does in a notebook

    def picture(self, arguments: dict[str, Any]) -> tuple[list, str]:
        """The elements of one picture, and its alternative text."""
        return self.update(self.slider.compute(**arguments))

    def _keep_frame(self) -> list:
        return self._record([self.figure])

    def _on_top(self, frame: list, moving: list) -> list:
        return frame + self._record(moving)

    def _record(self, artists: list) -> list:
        self._renderer.elements = []
        for artist in artists:
            artist.draw(self._renderer)
        return self._renderer.elements


@dataclass
class Part:
    """Some pictures of a slider: elements that occur, and for each picture their numbers and its text."""

    elements: list
    pictures: list[list[int]]
    texts: list[str]
    clips: list[tuple]
    width: int
    height: int


class _Shelf:
    """Elements that are kept once, by number."""

    def __init__(self) -> None:
        self.elements: list[str | list] = []
        self.known: dict[str, int] = {}

    def number(self, element: str | list) -> int:
        key = element if isinstance(element, str) else json.dumps(element)
        if key not in self.known:
            self.known[key] = len(self.elements)
            self.elements.append(element)
        return self.known[key]


@cache
def _pictures(path: Path, number: int) -> Pictures:
    import nbformat

    return Pictures(read(nbformat.read(path, as_version=4), number, path.name))


def compute(path: Path, number: int, start: int, stop: int) -> Part:
    """Pictures ``start`` to ``stop`` of the slider in one cell of a notebook; runs in a worker process."""
    shelf, drawn, texts = _Shelf(), [], []
    pictures = _pictures(path, number)
    for arguments in itertools.islice(pictures.slider.arguments(), start, stop):
        found, text = pictures.picture(arguments)
        drawn.append([shelf.number(element) for element in found])
        texts.append(text)
    return Part(shelf.elements, drawn, texts, pictures.clips, pictures.width, pictures.height)


def join(slider: Slider, parts: list[Part]) -> dict[str, Any]:
    """All pictures of a slider, in the order of :meth:`Slider.arguments`, as the page's script reads them."""
    shelf, drawn = _Shelf(), []
    for part in parts:
        # Which rectangles clip, a part counts for itself.
        if part.clips[: len(parts[0].clips)] != parts[0].clips[: len(part.clips)]:
            raise SliderError("the parts of one slider are clipped differently")
        numbers = [shelf.number(element) for element in part.elements]
        drawn += [[numbers[number] for number in picture] for picture in part.pictures]
    # Neighbours in this order begin alike, which halves what is stored.
    order = [shelf.known[key] for key in sorted(shelf.known)]
    place = {number: index for index, number in enumerate(order)}
    elements = [shelf.elements[number] for number in order]
    drawn = [[place[number] for number in picture] for picture in drawn]
    return {
        "width": parts[0].width * UNITS,
        "height": parts[0].height * UNITS,
        "clips": max((part.clips for part in parts), key=len),
        "controls": [
            {"label": control.label, "words": control.words, "start": control.start, "buttons": control.buttons}
            for control in slider.controls.values()
        ],
        "elements": elements,
        "pictures": drawn,
        "texts": [text for part in parts for text in part.texts],
    }


def script(name: str, data: dict[str, Any]) -> str:
    """The data as a script, since a page that is a file may not read other files."""
    packed = gzip.compress(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), 9, mtime=0)
    return f'explorePictures("{name}","{base64.b64encode(packed).decode()}")\n'


def signs(script: Path) -> set[str]:
    """The signs that occur in a script's pictures."""
    packed = script.read_text(encoding="utf-8").split('","')[1].split('"')[0]
    return {sign for sign in gzip.decompress(base64.b64decode(packed)).decode() if sign.isprintable()}
