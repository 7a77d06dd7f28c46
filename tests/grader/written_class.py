"""A question that a person marks, the notebook that asks it, and the results of a class in which one wrote mischief."""

import json
from copy import deepcopy

from small_class import HOSTILE, ONE, answer, unit

from course_utils.exercises import Card, Written
from course_utils.exercises.written import EMPTY
from grader import reader, records

QUESTION = Written(
    *Card("1.12", "what the bound does not say", points=6, difficulty=3, minutes=12),
    rubric=((2, "says that it is an upper bound"), (3, "names a case in which it is loose"), (1, "gives a number")),
    model="The bound says nothing about **typical** directions.",
)
OTHER = Written(*Card("1.13", "another", points=2, difficulty=1, minutes=4), rubric=((2, "anything"),), model="Yes.")
ASKED = {one.id: one for one in (QUESTION, OTHER)}
SECRET = b"0123456789abcdef0123456789abcdef"

TEXTS = {
    "ada": "The bound is an upper bound.",
    "bob": "It is, with $\\|v\\| = 0.1$,\nloose.",
    "eve": HOSTILE,
    "zoe": "",
}


def cell(kind, source, id, **metadata):
    more = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "source": source, "id": id, "metadata": metadata, **more}


def notebook():
    """What the build makes of a chapter with the question, as far as collecting goes."""
    graded = {"grade": True, "solution": True, "locked": False, "task": False, "points": 6, "schema_version": 3}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "course": {
                "written": [
                    {"id": "1.12", "title": QUESTION.title, "points": 6, "cells": {"card": "card", "answer": "here"}}
                ]
            }
        },
        "cells": [
            cell("markdown", "# Taylor bounds", "title"),
            cell("code", "from course_utils.desk import check", "imports"),
            cell("markdown", "### Exercise 1.12 — what the bound does not say\n\nWhat does it not say?", "card"),
            cell("markdown", "Think of the worst direction.", "between"),
            cell("markdown", EMPTY, "here", written="1.12", nbgrader=graded | {"grade_id": "answer-1-12"}),
            cell("markdown", "## What follows", "after"),
            cell("code", "show(1)", "code"),
            cell("markdown", "### Exercise 1.13 — another", "next"),
        ],
    }


def questions():
    return reader.questions(notebook())


def text_of(notebook):
    """What is collected from a notebook for the question, and the sentence about it."""
    read = reader.read(json.dumps(notebook).encode())
    return reader.collect(json.loads(json.dumps(read["texts"])), questions())["1.12"]


def written_in(source):
    made = deepcopy(notebook())
    made["cells"][4]["source"] = source
    return made


def results(**texts):
    """The automatic results of a class that wrote these texts; kim handed in nothing, max is our trouble."""

    def one(student, text):
        held = (records.Text("1.12", QUESTION.title, 6, text),)
        return records.replace(unit(student, ONE, answer("1.1", "correct"), answer("1.2", "type")), written=held)

    nothing = (records.Text("1.12", QUESTION.title, 6),)
    return [
        *(one(student, text) for student, text in (TEXTS | texts).items()),
        records.replace(
            unit("kim", ONE, status="missing", points=0, problem="Nothing was handed in."), written=nothing
        ),
        records.replace(
            unit("max", ONE, status="infrastructure error", points=None, problem="no memory"), written=nothing
        ),
    ]
