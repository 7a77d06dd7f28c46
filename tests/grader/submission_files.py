"""How the attacks that are more than edited cells become files: ``FILES``, the functions here that get a ``notebook``.

That is the notebook as it would be handed in. Who gets nothing else edits it, or returns the bytes to hand in instead;
the others make files themselves, in the student's own folder, which does not exist yet.
"""

from __future__ import annotations

import json
import os
import zipfile
from inspect import isfunction, signature
from pathlib import Path

import nbformat
from attack_suite import Attack, Surroundings, answer_cell, base_notebook, check_cell, code_cell

#: The student whose solved notebook others try to use; handed in like every other one.
CLASSMATE = "000-classmate"

_SCRIPT = "<script>window.pwned=1;alert(1)</script><img src=x onerror=alert(1)>"


def encode(document: dict) -> bytes:
    """A notebook's bytes, as Jupyter writes them."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def hand_in(attack: Attack, notebook: dict, around: Surroundings) -> None:
    """Write what a student hands in below ``around.submissions``."""
    folder = around.submissions / attack.name
    make = FILES[attack.make] if attack.make else lambda notebook: None
    if len(signature(make).parameters) > 1:
        make(notebook, folder, attack, around)
    else:
        made = make(notebook)
        _write(folder, attack, encode(notebook) if made is None else made)


def _write(folder: Path, attack: Attack, data: bytes) -> None:
    folder.mkdir()
    (folder / f"{attack.chapter_name}.ipynb").write_bytes(data)


# Edited notebooks


def saved_outputs(notebook):
    card = "✓ Exercise {}: correct · 3 of 3 points\nWell done: right on all 27 inputs."
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if grade_id.startswith("check-"):
            text = card.format(grade_id.removeprefix("check-").replace("-", "."))
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
            cell["execution_count"] = 1


def without_check_of_1_2(notebook):
    notebook["cells"].remove(check_cell(notebook, "1.2"))


def check_of_another_function(notebook):
    check_cell(notebook, "1.2")["source"] = 'check("1.2", lambda **case: True); check("1.2", safe_step)'


def renamed_function(notebook):
    for part in (answer_cell, check_cell):
        cell = part(notebook, "1.2")
        cell["source"] = "".join(cell["source"]).replace("scaled_beta", "beta_of_mine")


def points_edited(notebook):
    for id in ("1.2", "1.3"):
        check_cell(notebook, id)["metadata"]["nbgrader"]["points"] = 1000


def checks_skipped(notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["metadata"]["tags"] = ["skip-execution"]


def answers_skipped(notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["metadata"]["tags"] = ["skip-execution", "remove-cell"]


def errors_allowed(notebook):
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["raises-exception", "nbval-ignore-output"]


def answers_not_code(notebook):
    for id, kind in (("1.2", "markdown"), ("1.3", "raw")):
        cell = answer_cell(notebook, id)
        cell["cell_type"] = kind
        del cell["outputs"], cell["execution_count"]


def answer_ids_swapped(notebook):
    one, other = answer_cell(notebook, "1.2"), answer_cell(notebook, "1.3")
    one["metadata"], other["metadata"] = other["metadata"], one["metadata"]


def forged_chapter(notebook):
    notebook["metadata"]["course"] |= {
        "chapter": 99,
        "version": "x" * 16,
        "fingerprint": "0" * 16,
        "title": "Forged",
        "points": 1000,
        "exercises": {"1.2": {"points": 1000}},
    }


def own_exercise(notebook):
    notebook["cells"] += [
        {"cell_type": "markdown", "id": "own-card", "metadata": {}, "source": "### Exercise 1.99 — mine\n\n50 points"},
        code_cell("def mine():\n    return 1", "own-answer"),
        code_cell('check("1.99", mine)', "own-check"),
    ]
    nbgrader = {
        "grade": True,
        "grade_id": "check-1-99",
        "points": 50,
        "locked": True,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    notebook["cells"][-1]["metadata"]["nbgrader"] = nbgrader


def pasted_copy(notebook):
    answer = answer_cell(notebook, "1.2")
    notebook["cells"].insert(notebook["cells"].index(answer) + 1, dict(answer))


def pasted_stub_below(notebook):
    answer = answer_cell(notebook, "1.2")
    stub = dict(answer, source=_stub(answer))
    notebook["cells"].insert(notebook["cells"].index(answer) + 1, stub)


def answer_in_a_new_cell(notebook):
    given = answer_cell(notebook, "1.2")
    own = code_cell(given["source"], "own-answer")
    given["source"] = _stub(given)
    notebook["cells"].insert(notebook["cells"].index(given) + 1, own)


def _stub(answer: dict) -> str:
    head, doc = answer["source"].split("\n")[:2]
    return f"{head}\n{doc}\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def reordered(notebook):
    notebook["cells"].reverse()


def older_release(notebook):
    notebook["metadata"]["course"] |= {"version": "0123456789abcdef", "fingerprint": "fedcba9876543210", "minutes": 60}
    for part in (answer_cell, check_cell):
        notebook["cells"].remove(part(notebook, "1.11"))
    gone = code_cell("def gone(x):\n    return x", "gone")
    gone["metadata"]["nbgrader"] = {**answer_cell(notebook, "1.9")["metadata"]["nbgrader"], "grade_id": "answer-1-5"}
    notebook["cells"] += [gone, code_cell('check("1.5", gone)', "gone-check")]
    for cell in notebook["cells"]:
        cell["id"] = f"old-{cell['id']}"[:64]
        if cell["cell_type"] == "markdown":
            cell["source"] = "".join(cell["source"]).upper()


def metadata_lost(notebook):
    notebook["metadata"], notebook["nbformat_minor"] = {}, 2
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        del cell["id"]


def another_kernel(notebook):
    notebook["metadata"]["kernelspec"] = {"display_name": "my env (Python 3.9)", "language": "python", "name": "my-env"}
    notebook["metadata"]["language_info"] |= {"version": "3.9.1"}


def duplicated_ids(notebook):
    for cell in notebook["cells"]:
        cell["id"] = "same"


def large_outputs(notebook):
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 79 + "\n"}] * 250_000


def large_data_in_a_cell(notebook):
    notebook["cells"].insert(1, code_cell(f'data = """{"0123456789abcde " * 125_000}"""', "data"))


def code_of_seven_megabytes(notebook):
    notebook["cells"].insert(1, code_cell("# " + "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 2_400_000, "long"))


def metadata_of_other_types(notebook):
    notebook |= {"metadata": ["a", "list"], "nbformat": "4", "nbformat_minor": None}
    for cell in notebook["cells"]:
        cell |= {"metadata": "none", "id": 5, "outputs": "none", "execution_count": [1]}


def markup_everywhere(notebook):
    notebook["metadata"] |= {"title": _SCRIPT, "authors": [{"name": _SCRIPT}], _SCRIPT: _SCRIPT}
    notebook["metadata"]["course"] |= {"title": _SCRIPT, "version": _SCRIPT, "follows": _SCRIPT}
    notebook["metadata"]["kernelspec"]["name"] = _SCRIPT
    markdown = {"cell_type": "markdown", "id": "m", "metadata": {"tags": [_SCRIPT]}, "source": _SCRIPT}
    attached = dict(markdown, id="a", attachments={_SCRIPT: {"text/html": _SCRIPT}}, source=f"![]({_SCRIPT})")
    shown = code_cell("", "o")
    shown["outputs"] = [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"text/html": _SCRIPT, "application/javascript": "alert(1)"},
        }
    ]
    notebook["cells"] += [markdown, attached, shown]
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"{number}{_SCRIPT}"


def cells_nonsense(notebook):
    notebook["cells"] += [
        7,
        "text",
        None,
        {"cell_type": "code"},
        {"cell_type": "code", "source": 5, "metadata": None},
        {"cell_type": "heading", "source": "x", "metadata": {}},
    ]


def cells_mapping(notebook):
    notebook["cells"] = {str(number): cell for number, cell in enumerate(notebook["cells"])}


def format_of_the_future(notebook):
    notebook["nbformat"], notebook["nbformat_minor"] = 99, 0
    notebook["blocks"] = notebook.pop("cells")


# Other bytes in the place of a notebook

_BYTES = {
    "not_json": lambda notebook: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 40,
    "empty_file": lambda notebook: b"",
    "json_list": lambda notebook: json.dumps(notebook["cells"]).encode(),
    "json_number": lambda notebook: b"20",
    "cut_short": lambda notebook: encode(notebook)[: len(encode(notebook)) // 2],
    "invalid_utf8": lambda notebook: encode(notebook).replace(b"Smoothness c", b"Smoothness \xff\xfe\x80 c"),
    "nested_deep": lambda notebook: (
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    ),
    "nbformat_3": lambda notebook: nbformat.v3.writes_json(nbformat.convert(nbformat.from_dict(notebook), 3)).encode(),
    "byte_order_mark": lambda notebook: b"\xef\xbb\xbf" + encode(notebook).replace(b"\n", b"\r\n"),
}


def merge_conflict(notebook):
    lines = encode(notebook).split(b"\n")
    both = [b"<<<<<<< HEAD", *lines[20:24], b"=======", *lines[20:24], b">>>>>>> mine"]
    return b"\n".join([*lines[:20], *both, *lines[24:]])


def long_number(notebook):
    notebook["metadata"]["number"] = "LONG"
    return encode(notebook).replace(b'"LONG"', b"9" * 1_000_000)


def half_a_letter(notebook):
    source = "x = 'HALF'  # \N{GREEK SMALL LETTER BETA} \N{CJK UNIFIED IDEOGRAPH-4E00}"
    notebook["cells"].insert(1, code_cell(source, "half"))
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "half-m", "metadata": {}, "source": "HALF"})
    return encode(notebook).replace(b"HALF", rb"\ud83d \u0000 \ud83d\ude00")


# More than one file, or none


def forged_neighbours(notebook, folder, attack, around):
    _write(folder, attack, encode(notebook))
    entry = {"exercise": "1.2", "status": "correct", "points": 2, "time": "2026-01-01T00:00:00+00:00"}
    (folder / "progress.jsonl").write_text(json.dumps(entry) + "\n")
    (folder / f"{attack.chapter_name}.json").write_text(json.dumps({"format": 1, "status": "graded", "points": 29}))
    (folder / "results.json").write_text('{"score": 29}')


def two_gigabytes(notebook, folder, attack, around):
    _write(folder, attack, b"")
    os.truncate(folder / f"{attack.chapter_name}.ipynb", 2 * 10**9)


def folder_for_a_file(notebook, folder, attack, around):
    (folder / f"{attack.chapter_name}.ipynb" / "inside").mkdir(parents=True)


def link_to_a_classmate(notebook, folder, attack, around):
    folder.mkdir()
    name = f"{attack.chapter_name}.ipynb"
    (folder / name).symlink_to(Path("..") / CLASSMATE / name)


def folder_linked_to_a_classmate(notebook, folder, attack, around):
    folder.symlink_to(CLASSMATE, target_is_directory=True)


def link_to_a_device(notebook, folder, attack, around):
    folder.mkdir()
    (folder / f"{attack.chapter_name}.ipynb").symlink_to("/dev/zero")


def pipe(notebook, folder, attack, around):
    folder.mkdir()
    os.mkfifo(folder / f"{attack.chapter_name}.ipynb")


def two_notebooks(notebook, folder, attack, around):
    _write(folder, attack, encode(notebook))
    (folder / f"{attack.chapter_name}-Copy1.ipynb").write_bytes(b"")


def names_of_browsers_and_hubs(notebook, folder, attack, around):
    deep = folder / "course" / "my work" / "notebooks"
    deep.mkdir(parents=True)
    (deep / f"Copy of {attack.chapter_name}.IPYNB.txt").write_bytes(encode(notebook))


def untouched_beside_work(notebook, folder, attack, around):
    untouched = base_notebook(attack.chapter, "student", whole=True)
    with _zip(folder) as archive:
        for place, when, content in ("notebooks", 2027, untouched), ("work", 2026, notebook):
            name = zipfile.ZipInfo(f"course/{place}/{attack.chapter_name}.ipynb", (when, 1, 1, 0, 0, 0))
            archive.writestr(name, encode(content))


def broken_zip_beside_work(notebook, folder, attack, around):
    _write(folder, attack, encode(notebook))
    (folder / "week 2.zip").write_bytes(b"PK\x03\x04" + bytes(100))


def broken_zip_in_a_folder(notebook, folder, attack, around):
    folder.mkdir()
    (folder / "work.zip").write_bytes(b"PK\x03\x04" + bytes(100))


def exported_script(notebook, folder, attack, around):
    folder.mkdir()
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (folder / f"{attack.chapter_name}.py").write_text("\n\n".join(code))


def empty_lists_without_end(notebook, folder, attack, around):
    with _zip(folder) as archive:
        with archive.open(f"{attack.chapter_name}.ipynb", "w") as file:
            file.write(b'{"nbformat": 4, "metadata": {}, "cells": [[]')
            for _ in range(120):
                file.write(b",[]" * 333_333)
            file.write(b"]}")


def markup_in_file_names(notebook, folder, attack, around):
    _write(folder, attack, encode(notebook))
    for name in ("<img src=x onerror=alert(1)>.ipynb", "=cmd|calc!A0.ipynb", "a\nb\x1b[31m.ipynb", "x" * 200 + ".txt"):
        (folder / name).write_bytes(b"{}")
    (around.submissions / "<script>window.pwned=1<").mkdir()
    (around.submissions / "<script>window.pwned=1<" / "01_taylor_bounds.ipynb").write_bytes(encode(notebook))


# Zips, which lie beside the students' folders


def _zip(folder: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(folder.with_name(folder.name + ".zip"), "w", zipfile.ZIP_DEFLATED)


def zip_with_a_notebook(notebook, folder, attack, around):
    with _zip(folder) as archive:
        archive.writestr("my work/", b"")
        archive.writestr(f"my work/{attack.chapter_name}.ipynb", encode(notebook))
        archive.writestr("__MACOSX/my work/._" + attack.chapter_name + ".ipynb", b"\x00\x05\x16\x07")


def zip_that_escapes(notebook, folder, attack, around):
    with _zip(folder) as archive:
        archive.writestr(f"{attack.chapter_name}.ipynb", encode(notebook))
        for target in (f"../{CLASSMATE}", "../../../..", str(around.home), f"../{attack.name}-outside"):
            archive.writestr(f"{target}/{attack.chapter_name}.ipynb", b"{}")
            archive.writestr(f"{target}/{around.marker}-zip", b"was here")


def zip_bomb(notebook, folder, attack, around):
    with _zip(folder) as archive:
        with archive.open(f"{attack.chapter_name}.ipynb", "w", force_zip64=True) as file:
            for _ in range(100):
                file.write(bytes(10_000_000))


def zip_with_a_link(notebook, folder, attack, around):
    with _zip(folder) as archive:
        link = zipfile.ZipInfo(f"{attack.chapter_name}.ipynb")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, f"../{CLASSMATE}/{attack.chapter_name}.ipynb")


def _zipped(document: dict, folder: Path, attack: Attack) -> tuple[Path, bytearray]:
    with _zip(folder) as archive:
        archive.writestr(f"{attack.chapter_name}.ipynb", encode(document))
    path = folder.with_name(folder.name + ".zip")
    return path, bytearray(path.read_bytes())


def zip_with_broken_data(notebook, folder, attack, around):
    path, data = _zipped(notebook, folder, attack)
    data[80:400] = bytes(255 - value for value in data[80:400])
    path.write_bytes(data)


def zip_with_a_password(notebook, folder, attack, around):
    path, data = _zipped(notebook, folder, attack)
    # The flag "encrypted", in the entry and in the directory of the archive.
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


def file_name_that_is_no_text(notebook, folder, attack, around):
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/01_\xff\xfe.ipynb")).write_bytes(encode(notebook))
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff <script>.ipynb")).write_bytes(encode(notebook))


def zip_that_is_none(notebook, folder, attack, around):
    folder.with_name(folder.name + ".zip").write_bytes(b"PK\x03\x04" + bytes(100))


FILES = _BYTES | {
    name: made
    for name, made in vars().items()
    if isfunction(made) and made.__module__ == __name__ and made.__code__.co_varnames[:1] == ("notebook",)
}
