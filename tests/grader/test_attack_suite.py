"""The suite itself: that it is complete, that each submission is what it says, and that its tricks are real."""

import json
from pathlib import Path

import attacks_table
import pytest
from attack_suite import HERE, Attack, Surroundings, all_attacks, base_notebook, build
from submission_files import CLASSMATE, FILES, hand_in

ATTACKS = {attack.name: attack for attack in all_attacks()}

#: What the suite owes, and where it is.
COVERED = {
    "monkeypatching of numpy": ["patch-numpy-comparisons", "fake-numpy-in-sys-modules", "fixed-dice"],
    "monkeypatching of the checker": ["patch-the-checker", "patch-the-answers", "patch-the-declarations"],
    "asserts, AST and input transformers": ["ast-transformer-removes-asserts", "input-transformer-rewrites-cells"],
    "IPython hooks": ["ipython-events", "trace-function", "excepthook-and-exit-functions"],
    "objects that lie about equality": ["equal-to-everything", "difference-is-zero", "array-of-liars"],
    "objects that lie about arrays or shape": ["array-that-answers-every-ufunc", "shape-that-lies", "masked-away"],
    "reading the stack, In[], gc": ["read-the-stack", "read-the-history", "read-the-garbage-collector"],
    "reading files and /proc": ["open-the-reference", "read-proc", "read-open-files", "read-the-secret"],
    "forged result files": ["forge-result-files", "forged-progress-file", "saved-outputs"],
    "forged frames": ["forge-frames-on-every-file", "frame-of-four-gigabytes", "endless-frames", "forge-by-printing"],
    "forged exit codes": ["exit-zero", "exit-zero-in-a-cell", "replace-the-worker"],
    "edited and deleted cells": [
        "check-of-another-function",
        "points-edited",
        "check-cell-deleted",
        "answer-in-markdown",
    ],
    "duplicated and re-tagged cells": ["pasted-copy", "checks-skipped", "errors-allowed", "answer-ids-swapped"],
    "classmates' files": ["read-classmates", "link-to-a-classmate", "zip-with-a-link", "accomplice-that-finds-answers"],
    "network": ["connect-to-loopback", "ask-a-friend"],
    "daemons": ["daemon", "background-program", "daemon-in-a-cell"],
    "fork bombs": ["fork-bomb", "thread-bomb"],
    "SIGSTOP": ["stops-itself", "stops-its-parent", "stops-everything"],
    "killing the parent": ["kills-its-parent", "kills-everything", "kills-its-group"],
    "filling the disk": ["fills-the-disk"],
    "endless loops with SIGINT": ["endless-loop", "endless-cell", "sleeps-for-ever"],
    "endless loops without SIGINT": [
        "endless-loop-that-catches-everything",
        "endless-loop-in-compiled-code",
        "stopped-clock",
    ],
    "memory bombs": ["memory-bomb", "memory-bomb-of-processes", "eight-bytes-of-a-terabyte", "zip-bomb"],
    "exits": ["exit-zero", "kills-itself", "segmentation-fault"],
    "200 MB outputs": ["prints-200-megabytes", "prints-200-megabytes-past-python", "error-message-of-100-megabytes"],
    "not JSON, empty, a list": ["not-json", "empty-file", "json-list"],
    "nbformat 3, invalid UTF-8, duplicated ids": ["nbformat-3", "invalid-utf-8", "duplicated-ids"],
    "HTML and script injection": [
        "markup-in-an-error",
        "markup-in-names",
        "markup-in-the-notebook",
        "template-in-an-error",
    ],
    "random answers": ["random-answers", "right-half-of-the-time", "answers-by-turns"],
    "honest: stray prints, warnings": ["stray-prints", "warnings", "warnings-as-errors"],
    "honest: extra cells, a pasted copy, plots": ["extra-cells", "pasted-copy", "plots"],
    "honest: slow but correct": ["slow-but-right", "slow-cell"],
    "honest: reordered cells": ["reordered-cells"],
    "honest: an older release": ["older-release"],
    "another submission's session": ["words-in-closed-connections", "read-the-network", "other-kinds-of-sockets"],
    "hidden inputs in a later session": ["tell-hidden-inputs-in-another-session"],
    "reports without end": ["goes-on-for-ever"],
    "copies of the course": ["search-the-whole-disk"],
    "namespaces": ["namespaces-of-its-own", "namespace-tricks"],
    "broken archives, scripts, lists without end": [
        "broken-zip-in-a-folder",
        "exported-script",
        "empty-lists-without-end",
    ],
    "memory that belongs to nobody": ["memory-of-a-thread-that-has-ended", "memory-in-sockets"],
    "the processors of others": ["takes-every-processor"],
    "proofs of ordered lines": [
        "proof-by-its-str",
        "proof-of-a-hundred-megabytes",
        "proof-without-end",
        "patch-the-probe",
    ],
    "the lines of a proof": ["proof-from-its-declaration", "proof-in-every-order", "proof-in-codes"],
    "stages of a build": ["stage-reads-its-checkers-frame", "move-from-the-frames", "patch-copies-of-the-inputs"],
    "mine, predict and after": [
        "patch-mine",
        "patch-predict-and-after",
        "the-courses-own-functions-as-answers",
        "check-inside-an-answer",
        "predictions-and-stages-in-odd-places",
    ],
    "honest: answers come about in other ways": ["answers-in-other-ways", "needs-a-simulation"],
    "honest: files as browsers and hubs leave them": [
        "names-of-browsers-and-hubs",
        "untouched-beside-work",
        "broken-zip-beside-work",
    ],
}
#: Submissions of the chapter's own notebook.
AS_IT_CAME = ("nothing-done", "solved-chapter-1", "solved-chapter-2", "solved-chapter-3")


@pytest.fixture
def around(tmp_path):
    for name in ("submitted", "home"):
        (tmp_path / name).mkdir()
    submissions = tmp_path / "submitted"
    (submissions / CLASSMATE).mkdir()
    return Surroundings(submissions, tmp_path / "grades", tmp_path / "home", tmp_path, "mark", 9, tmp_path / "socket")


def test_the_suite_is_as_large_and_as_wide_as_it_should_be():
    assert len(ATTACKS) >= 60
    assert len({attack.tries for attack in ATTACKS.values()}) == len(ATTACKS)
    assert {name for names in COVERED.values() for name in names} <= set(ATTACKS)
    assert {attack.group for attack in ATTACKS.values()} == set(attacks_table.TITLES)
    assert {attack.make for attack in ATTACKS.values()} - {""} == set(FILES)


@pytest.mark.parametrize("attack", [a for a in ATTACKS.values() if a.make != "zip_bomb"], ids=lambda a: a.name)
def test_a_submission_is_made_and_differs_from_the_chapter_as_it_came(attack, around):
    hand_in(attack, build(attack, around), around)
    made = [path for path in around.submissions.iterdir() if path.name != CLASSMATE]
    assert {path.name.removesuffix(".zip") for path in made} >= {attack.name}
    text = json.dumps(build(attack, around))
    assert "### BEGIN SOLUTION" not in text
    for word in ("MARKER", "PORT", "OUT", "HOME", "REPOSITORY", "SUBMISSIONS", "STUDENT", "ONLY IN A JAIL"):
        assert f"@{word}@" not in text
    edited = text != json.dumps(base_notebook(attack.chapter, attack.base, attack.whole))
    assert edited or attack.make or attack.name in AS_IT_CAME


def test_a_wrong_answer_never_counts_as_right():
    for attack in ATTACKS.values():
        for right in attack.allowed():
            assert not right & set(attack.wrong), attack.name


def test_what_could_do_harm_outside_a_jail_is_marked_and_asks_where_it_is(around):
    for attack in ATTACKS.values():
        sources = [*attack.wrong.values(), *attack.answers.values(), *(cell["code"] for cell in attack.cell)]
        text = "\n".join(sources)
        if any(
            word in text for word in ("os.kill(-1", "getppid(), signal", "rmtree", "fork()", "killpg", "100_000_000)")
        ):
            assert attack.jail or attack.name == "error-message-of-100-megabytes", attack.name
        if "@ONLY IN A JAIL@" in text:
            assert attack.jail
            source = around.fill("@ONLY IN A JAIL@", "x")
            with pytest.raises(SystemExit, match="only run in a jail"):
                exec(source, {})


@pytest.mark.parametrize(
    ("change", "words"),
    [({"right": "all but 9.9"}, "9.9"), ({"right": "all but"}, "expected exercises"), ({"wrong": {"2.1": ""}}, "2.1")],
)
def test_an_expectation_about_unknown_exercises_is_refused(monkeypatch, change, words):
    import attack_suite

    entry = {"name": "x", "tries": "y", **change}
    monkeypatch.setattr(attack_suite.tomllib, "loads", lambda text: {"attack": [dict(entry)]})
    monkeypatch.setattr(Path, "glob", lambda self, pattern: [HERE / "attacks" / "lies.toml"])
    with pytest.raises(ValueError, match=words):
        all_attacks.__wrapped__()


def test_the_table_has_a_row_for_each_attack_and_shows_no_markup():
    attack = Attack("lies", "a-name", "tries <b>bold</b> | and `more`")
    page = attacks_table.page([attack], {"a-name": ("0 of 16", "type: 1.2")})
    [row] = [line for line in page.splitlines() if line.startswith("| a-name ")]
    assert row.replace("\\|", "").count("|") == 5 and "<b>" not in row.replace("\\<", "")
    assert "1 submissions: 1 that cheat" in page
