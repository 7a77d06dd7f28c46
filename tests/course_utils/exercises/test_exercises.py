"""What an exercise owes: its reference passes, its wrong answers are named, its mutants refused."""

import copy
from dataclasses import replace

import pytest
from mutants import mutants

from course_utils.desk.answers import equal, read, show
from course_utils.desk.checks import grade
from course_utils.exercises import all_exercises

EXERCISES = list(all_exercises().values())
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)

#: Mutants that are the same function, or another right answer, and why. The score leaves them out.
EQUIVALENT = {
    (
        "1.1",
        "return a @ (np.tanh(u0) + slope * ((W - W0) @ x)) → return (np.tanh(u0) + slope * ((W - W0) @ x)) @ a",
    ): "an inner product is symmetric",
    ("1.5", "return W0 + B / np.sqrt(m) * x → return W0 - B / np.sqrt(m) * x"): "the bound is reached on both sides",
    (
        "2.1",
        "return a @ ((W0 @ x >= 0) * (W @ x)) → return (W0 @ x >= 0) * (W @ x) @ a",
    ): "an inner product is symmetric",
    ("2.2", "flipped = (u >= 0) != (u0 >= 0) → flipped = (u > 0) != (u0 >= 0)"): "u = 0 contributes nothing either way",
    ("2.4", "move[:k, 0] = B / np.sqrt(k) → move[:k, -1] = B / np.sqrt(k)"): "the direction does not matter",
    ("2.4", "return move → return -move"): "the direction does not matter",
    (
        "5.6",
        "return sigma * np.sqrt(G.shape[1]) * np.linalg.qr(G.T)[0].T → "
        "return -(sigma * np.sqrt(G.shape[1]) * np.linalg.qr(G.T)[0].T)",
    ): "a direction and its opposite",
    ("5.8", "rho = g @ H @ g / (g @ g) → rho = g @ (g @ H) / (g @ g)"): "H is symmetric",
    ("5.8", "rho = g @ H @ g / (g @ g) → rho = H @ g @ g / (g @ g)"): "H is symmetric",
    (
        "6.9",
        "return gamma ** 2 * np.trace(gram @ np.linalg.inv(alpha * np.eye(n) + gram)) / n → "
        "return gamma ** 2 * np.trace(np.linalg.inv(alpha * np.eye(n) + gram) @ gram) / n",
    ): "they commute",
    ("4.2", "return 2 * (g @ g) / (g @ H @ g) → return 2 * (g @ g) / (g @ (g @ H))"): "H is symmetric",
    ("4.2", "return 2 * (g @ g) / (g @ H @ g) → return 2 * (g @ g) / (H @ g @ g)"): "H is symmetric",
    ("4.3", "return v @ Hz @ v → return v @ (v @ Hz)"): "H_z is symmetric",
    ("4.3", "return v @ Hz @ v → return Hz @ v @ v"): "H_z is symmetric",
    (
        "4.6",
        "return np.mean([np.linalg.norm((W @ x > 0)[:, None] * W, 2) for x in X]) → "
        "return np.mean([np.linalg.norm((W @ x >= 0)[:, None] * W, 2) for x in X])",
    ): "no input sits on a kink",
    (
        "7.1",
        "theta = np.arccos(np.clip(products / lengths, -1, 1)) → theta = np.arccos(np.clip(-1, products / lengths, 1))",
    ): "the middle one of three numbers",
    ("7.2", "on = X @ W0.T > 0 → on = X @ W0.T >= 0"): "no input sits on a kink",
    ("7.3", "p = (np.pi - theta) / (2 * np.pi) → p = (np.pi + theta) / (2 * np.pi)"): "p(1 − p) is the same for 1 − p",
    (
        "7.3",
        "return int(np.ceil(np.cos(theta) ** 2 * p * (1 - p) / eps ** 2)) → "
        "return np.ceil(np.cos(theta) ** 2 * p * (1 - p) / eps ** 2)",
    ): "2500.0 is a whole number, too",
    (
        "7.4",
        "alpha += lr / len(y) * (y - f - K @ alpha) → alpha += lr / len(y) * (y - f - alpha @ K)",
    ): "K is symmetric",
    (
        "7.5",
        "return np.sqrt(residual @ np.linalg.solve(K, residual)) → "
        "return np.sqrt(np.linalg.solve(K, residual) @ residual)",
    ): "an inner product is symmetric",
    (
        "7.7",
        "return total / np.pi ** 2 if k > 0 else total / (2 * np.pi ** 2) → "
        "return total / np.pi ** 2 if k > 1 else total / (2 * np.pi ** 2)",
    ): "k = 1 has its answer by then",
    (
        "6.1",
        "return gamma * W @ (vectors / values.sqrt()) @ vectors.T → "
        "return -(gamma * W @ (vectors / values.sqrt()) @ vectors.T)",
    ): "any root of the inverse",
    (
        "6.1",
        "return gamma * W @ (vectors / values.sqrt()) @ vectors.T → return gamma * W @ (vectors / values.sqrt())",
    ): "any root of the inverse",
    (
        "6.1",
        "return gamma * W @ (vectors / values.sqrt()) @ vectors.T → "
        "return gamma * W @ (vectors / values.sqrt()) @ vectors",
    ): "any root of the inverse",
    ("6.1", "return x @ matrix(self.W).T → return -(x @ matrix(self.W).T)"): "any root of the inverse",
    (
        "6.5",
        "x, V = np.linalg.eigh(np.diag(a) + np.diag(root, 1) + np.diag(root, -1)) → "
        "x, V = np.linalg.eigh(np.diag(a) + np.diag(root, 1) - np.diag(root, -1))",
    ): "the signs of √b do not matter",
    (
        "6.5",
        "x, V = np.linalg.eigh(np.diag(a) + np.diag(root, 1) + np.diag(root, -1)) → "
        "x, V = np.linalg.eigh(np.diag(a) + np.diag(root, -1))",
    ): "eigh reads the lower triangle",
    (
        "6.5",
        "x, V = np.linalg.eigh(np.diag(a) + np.diag(root, 1) + np.diag(root, -1)) → "
        "x, V = np.linalg.eigh(np.diag(a) - np.diag(root, 1) + np.diag(root, -1))",
    ): "eigh reads the lower triangle",
}


def same_case(one, other):
    return list(one) == list(other) and all(_same(one[name], other[name]) for name in one)


def _same(one, other):
    try:
        return equal(read(one), read(other))
    except Exception:
        return show(one) == show(other)


@every_exercise
def test_the_reference_passes_on_200_seeds(exercise):
    few = replace(exercise, n_cases=2)
    for seed in range(200):
        result = grade(few, exercise.reference, seed)
        assert result.correct, f"seed {seed}\n{result}"
    result = grade(exercise, exercise.reference)
    assert result.correct and result.points == exercise.points and not result.remarks


@every_exercise
def test_every_misconception_gets_its_own_sentence(exercise):
    for misconception in exercise.misconceptions:
        for seed in (None, 0, 1, 2):
            result = grade(exercise, misconception.answer, seed)
            assert result.status == "misconception", f"seed {seed}\n{result}"
            assert result.sentence == misconception.message, f"seed {seed}"
            assert result.points == 0


@every_exercise
def test_a_seed_gives_the_same_cases_and_another_seed_others(exercise):
    first, again, other = (exercise.draw_cases(seed) for seed in (1, 1, 2))
    assert len(first) == len(again) == exercise.n_cases + len(exercise.edge_cases)
    assert all(map(same_case, first, again))
    assert not all(map(same_case, first, other))


@every_exercise
def test_reference_and_misconceptions_leave_their_input_alone(exercise):
    for function in (exercise.reference, *(m.answer for m in exercise.misconceptions)):
        for case in exercise.draw_cases(3):
            given = copy.deepcopy(case)
            function(**given) if exercise.probe is None else exercise.probe(function, **given)
            assert same_case(given, case), function


@every_exercise
def test_wrong_kinds_of_answers_are_refused(exercise):
    for answer in (0, 1.0, float("nan"), "text", [], [[1.0, 2.0]] * 7):
        result = grade(exercise, lambda _answer=answer, **case: _answer)
        assert not result.correct and str(result)


def test_mutants_are_refused(record_property):
    refused, survivors, summary = 0, [], []
    for exercise in EXERCISES:
        fast = replace(exercise, time_limit=1.0)
        found = [m for m in mutants(exercise.reference) if (exercise.id, m.change) not in EQUIVALENT]
        alive = [f"{exercise.id}: {m.change}" for m in found if grade(fast, m.function).correct]
        assert found, f"exercise {exercise.id}: nothing to mutate"
        summary.append(f"{exercise.id}: {len(found) - len(alive)} of {len(found)}")
        refused += len(found) - len(alive)
        survivors += alive
    score = refused / (refused + len(survivors))
    report = (
        f"{refused} of {refused + len(survivors)} mutants refused ({score:.1%}), "
        f"{len(EQUIVALENT)} equivalent ones left out; by exercise {', '.join(summary)}; "
        f"survivors: {'; '.join(survivors) or 'none'}"
    )
    record_property("summary", report)
    print(report)
    assert score > 0.95, report


def test_the_equivalent_mutants_exist_and_pass():
    made = {(e.id, m.change): m for e in EXERCISES for m in mutants(e.reference)}
    for key, reason in EQUIVALENT.items():
        assert key in made, f"{key} is no mutant any more: remove it from the table"
        assert grade(all_exercises()[key[0]], made[key].function).correct, reason
