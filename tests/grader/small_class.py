"""Results of a small class of which one student is hostile, for the tests of what is made of results."""

from grader.records import ExerciseResult, UnitResult

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\"> {{ 7*7 }} & `code`"
ROSTER = {
    "ada": {"name": "Ada Lovelace", "email": "ada@example.org"},
    "bob": {"name": '=HYPERLINK("x")', "email": "@bob"},
    "eve": {"name": HOSTILE, "email": ""},
    "kim": {"name": "", "email": ""},
    "zoe": {"name": "Zoë", "email": "zoe@example.org"},
}
NAMES = {student: row["name"] for student, row in ROSTER.items()}
ONE, TWO = "01_taylor_bounds", "02_relu_sign_flips"
TITLES = {"1.1": "write the linearization", "1.2": "β of a rescaled activation", "2.1": "a third"}


def answer(id, status, points=None, *, worth=3, **more):
    earned = (worth if status == "correct" else 0) if points is None else points
    sentence = more.pop("sentence", f"A sentence about {status}.")
    return ExerciseResult(id, TITLES[id], earned, worth, status, sentence, **more)


def unit(student, chapter, *answers, **more):
    maximum = 6 if chapter == ONE else 3
    fields = {"status": "graded", "jail": "bubblewrap", "seconds": 1.0, "points": sum(a.points for a in answers)} | more
    return UnitResult(
        key="k",
        student=student,
        chapter=chapter,
        max_points=maximum,
        exercises=answers,
        submission=f"{student}/{chapter}.ipynb" if answers else None,
        **fields,
    )


def results():
    wrong = {"passed": 1, "tried": 24, "answer": "same"}
    shown = (("x", "array([1., 2.])"), ("yours", "3"), ("expected", "4"))
    return [
        unit(
            "ada", ONE, answer("1.1", "correct", passed=24, tried=24, answer="r"), answer("1.2", "correct", answer="r")
        ),
        unit("ada", TWO, answer("2.1", "correct", answer="right for ada")),
        unit(
            "bob", ONE, answer("1.1", "values", rows=shown, **wrong), answer("1.2", "type", **wrong), notes=("A note.",)
        ),
        unit("bob", TWO, answer("2.1", "misconception", misconception=1, answer="m", sentence="Divide `x` by 2.")),
        unit(
            "eve",
            ONE,
            answer("1.1", "values", rows=((HOSTILE, HOSTILE),), remarks=(HOSTILE,), **wrong),
            answer("1.2", "type", sentence=HOSTILE, **wrong),
            notes=(HOSTILE,),
            jail="none",
        ),
        unit("eve", TWO, status="student error", points=0, problem=f"This is no notebook: {HOSTILE}"),
        unit("kim", ONE, status="missing", points=0, problem="Nothing was handed in."),
        unit("kim", TWO, answer("2.1", "misconception", misconception=1, answer="m", sentence="Divide `x` by 3.")),
        unit("zoe", ONE, answer("1.1", "timeout"), answer("1.2", "not attempted")),
        unit("zoe", TWO, status="infrastructure error", points=None, problem="/srv/grader: no memory"),
    ]


def of(student, chapter=None):
    return [unit for unit in results() if unit.student == student and chapter in (None, unit.chapter)]
