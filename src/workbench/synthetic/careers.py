"""Careers: term by term, where each student is, how engaged, what is taught, and who leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from workbench.synthetic import calendar, equations
from workbench.synthetic.places import SECTION_SIZE, Floats, Ints, Places
from workbench.synthetic.students import Bools, Students
from workbench.synthetic.truth import Shape

CREDITS_TO_REACH = np.array([0.0, 4.0, 9.0, 14.0])
CREDITS_TO_GRADUATE = 19.0
COURSES, CREDIT = 6, 0.5
ACADEMY_COURSES = 3

STAYED, DROPPED, TRANSFERRED, GRADUATED, MOVED = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class TermRecords:
    """What happened in one term; arrays run over the students `who` enrolled at its start.

    `share` is the share of the term on the roll, `left` one of STAYED, DROPPED, TRANSFERRED,
    GRADUATED, `grade` the one on the roll, `section` (students × courses) a section's number or −1.
    """

    term: calendar.Term
    who: Ints
    school: Ints
    grade: Ints
    high_year: Ints
    engagement: Floats
    deviation: Floats
    hazard: Floats
    share: Floats
    left: Ints
    section: Ints
    letter: Ints


@dataclass
class State:
    """The moving part of the simulation, one element a student of the district."""

    active: Bools
    school: Ints
    grade: Ints
    high_year: Ints
    deviation: Floats
    credits: Floats
    first_high: Ints
    supported: Bools
    left: Ints
    fresh: Bools
    on_roll: Ints
    history: list[TermRecords] = field(default_factory=list)


def simulate(shape: Shape, places: Places, students: Students, support: Bools, rng: np.random.Generator) -> State:
    """Run all terms of one district and return the final state with its history."""
    n = len(students.number)
    state = State(
        active=np.zeros(n, bool), school=students.origin.copy(), grade=students.entry_grade.copy(),
        high_year=np.zeros(n, np.int64), deviation=np.zeros(n), credits=np.zeros(n), first_high=np.full(n, -1),
        supported=support, left=np.full(n, STAYED), fresh=np.zeros(n, bool),
        on_roll=students.entry_grade.copy(),
    )  # fmt: skip
    for year in range(shape.first_year, shape.last_year + 1):
        _open_year(shape, places, students, state, year, rng)
        sections = _assign_sections(shape, places, students, state, rng)
        for index in (0, 1):
            if index == 1:
                sections = _move_midyear(shape, places, state, sections, rng)
            _live_term(shape, places, students, state, calendar.term(year, index), sections, rng)
    return state


def _open_year(
    shape: Shape, places: Places, students: Students, state: State, year: int, rng: np.random.Generator
) -> None:
    """Advance grades, bring in newcomers, change level or school, and settle the high-school year."""
    state.fresh = students.entry_year == year
    old, state.active = state.active, state.active | state.fresh
    state.grade[old] += 1
    state.high_year = np.where(state.active, np.maximum(0, year - students.ninth_year + 1), 0)
    level = np.searchsorted([5, 8], np.minimum(state.grade, 12))
    changing = state.active & (places.level[state.school] != level)
    moving = old & ~changing & (rng.random(len(old)) < shape.truth.move_summer)
    for group in (changing, moving):
        state.school[group] = _pick(places, state.school[group], level[group], rng)
    new_high = state.active & (state.high_year >= 1) & (state.first_high < 0)
    state.first_high[new_high] = state.school[new_high]
    behind = state.fresh & (state.high_year > 1)
    state.credits[behind] = COURSES * (state.high_year[behind] - 1)
    state.on_roll = grade_level(state)


def _pick(places: Places, school: Ints, level: Ints, rng: np.random.Generator) -> Ints:
    """Return another school of the wanted level for each student: in the same zone where there is one,
    otherwise one of the two whose intake is most alike, as families move to places like their own."""
    chosen = school.copy()
    for kind in np.unique(level):
        for here in np.unique(school[level == kind]):
            rows = np.flatnonzero((level == kind) & (school == here))
            others = (places.level == kind) & (np.arange(len(places.level)) != here)
            near = others & (places.zone == places.zone[here])
            found = np.flatnonzero(near if near.any() else others)
            if not near.any():
                found = found[np.argsort(np.abs(places.intake[found] - places.intake[here]))[:2]]
            if len(found):
                chosen[rows] = rng.choice(found, len(rows))
    return chosen


def grade_level(state: State) -> Ints:
    """Grade on the roll for a whole year: by age to grade 8, in high school by the credits at its start."""
    by_credits = 9 + np.searchsorted(CREDITS_TO_REACH[1:], state.credits, side="right")
    return np.where(state.high_year >= 1, np.minimum(by_credits, 8 + state.high_year), state.grade)


def _assign_sections(shape: Shape, places: Places, students: Students, state: State, rng: np.random.Generator) -> Ints:
    """Split each school's grade into sections a course; with `sorting`, by standing."""
    n = len(state.active)
    sections = np.full((n, COURSES), -1)
    key = state.school * 16 + np.minimum(state.grade, 12)
    who = np.flatnonzero(state.active)
    for course in range(COURSES):
        order_by = shape.sorting * students.standing[who]
        order_by = order_by + np.sqrt(1 - shape.sorting**2) * rng.normal(size=len(who))
        order = np.lexsort((order_by, key[who]))
        ordered = key[who][order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(who) else np.zeros(0, np.int64)
        counts = np.diff(np.r_[starts, len(who)])
        rank = np.arange(len(who)) - np.repeat(starts, counts)
        per_key = np.maximum(1, -(-counts // SECTION_SIZE))
        sections[who[order], course] = rank * np.repeat(per_key, counts) // np.repeat(counts, counts)
    elementary = places.level[state.school] == 0
    sections[elementary, 1] = sections[elementary, 0]
    sections[elementary, 2:] = -1
    sections[(state.high_year >= 1) & students.academy, ACADEMY_COURSES:] = -1
    return sections


def _move_midyear(shape: Shape, places: Places, state: State, sections: Ints, rng: np.random.Generator) -> Ints:
    """Move a few students to another school of their level; they join a section there."""
    movers = np.flatnonzero(state.active & (rng.random(len(state.active)) < shape.truth.move_midyear))
    state.school[movers] = _pick(places, state.school[movers], places.level[state.school[movers]], rng)
    joined = sections.copy()
    full = state.active & (sections[:, 1] >= 0) & (sections[:, -1] >= 0) | (places.level[state.school] == 0)
    for mover in movers:
        same = full & (state.school == state.school[mover]) & (state.grade == state.grade[mover])
        if same.any():
            joined[mover] = np.where(sections[mover] >= 0, sections[rng.choice(np.flatnonzero(same))], -1)
    return joined


def _live_term(
    shape: Shape, places: Places, students: Students, state: State, term: calendar.Term, sections: Ints,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """One term: engagement moves, some drop out, the rest are graded, some transfer at its end."""
    truth, who = shape.truth, np.flatnonzero(state.active)
    _step_engagement(shape, state, who, term, rng)
    engagement = students.engagement_mean[who] + state.deviation[who]
    hazard = equations.logistic(
        equations.hazard_log_odds(
            truth, state.high_year[who], students.standing[who], engagement,
            known_hazard(shape, places, students, state, term)[who],
        )
    )  # fmt: skip
    dropped, share = _dropouts(hazard, rng)
    left = np.where(dropped, DROPPED, STAYED)
    section = np.where(dropped[:, None], -1, sections[who])
    letter = _letters(shape, places, students, state, who, section, engagement, rng)
    earned = credit_of(students, who) * ((section >= 0) & (letter > 0)).sum(axis=1)
    state.credits[who] += np.where(state.high_year[who] >= 1, earned, 0.0)
    if term.index == 1:
        done = (state.high_year[who] >= 5) | ((state.high_year[who] == 4) & (state.credits[who] >= CREDITS_TO_GRADUATE))
        left = np.where((left == STAYED) & done, GRADUATED, left)
    rate = truth.transfer_out + truth.transfer_disadvantaged * students.disadvantaged[who]
    left = np.where((left == STAYED) & (rng.random(len(who)) < rate), TRANSFERRED, left)
    state.history.append(
        TermRecords(
            term, who, state.school[who].copy(), state.on_roll[who], state.high_year[who].copy(), engagement,
            state.deviation[who].copy(), hazard, share, left, section, letter,
        )
    )  # fmt: skip
    state.left[who] = left
    state.active[who] = left == STAYED


def _step_engagement(shape: Shape, state: State, who: Ints, term: calendar.Term, rng: np.random.Generator) -> None:
    persistence = shape.truth.engagement_persistence
    shock = rng.normal(size=len(who))
    first = state.fresh[who] & (term.index == 0)
    moved = persistence * state.deviation[who] + np.sqrt(1 - persistence**2) * shock
    state.deviation[who] = np.where(first, shock, moved)


def credit_of(students: Students, who: Ints) -> Floats:
    """Credits a course carries: career academies teach half as many courses, each worth twice as much."""
    return np.where(students.academy[who], CREDIT * COURSES / ACADEMY_COURSES, CREDIT)


def class_grade(record: TermRecords) -> Ints:
    """The grade whose classes a student sits in: by years in high school, not by credits."""
    return np.where(record.high_year > 0, 8 + record.high_year, record.grade)


def known_hazard(shape: Shape, places: Places, students: Students, state: State, term: calendar.Term) -> Floats:
    """The part of the hazard's log odds that is not latent; support counts from the spring of grade 9."""
    truth = shape.truth
    begun = state.supported & ~((state.high_year == 1) & (term.index == 0))
    effect = np.where(state.first_high >= 0, places.dropout_effect[state.first_high], 0.0)
    return effect + truth.hazard_over_age * students.over_age + truth.hazard_support * begun


def _dropouts(hazard: Floats, rng: np.random.Generator) -> tuple[Bools, Floats]:
    """Draw who leaves and when: the hazard is constant within the term."""
    dropped = rng.random(len(hazard)) < hazard
    spent = rng.random(len(hazard))
    with np.errstate(invalid="ignore", divide="ignore"):
        when = np.log1p(-spent * hazard) / np.log1p(-hazard)
    return dropped, np.where(dropped, when, 1.0)


def _letters(
    shape: Shape, places: Places, students: Students, state: State, who: Ints, section: Ints, engagement: Floats,
    rng: np.random.Generator,
) -> Ints:  # fmt: skip
    """Draw letter grades 0 (F) to 4 (A), students × courses."""
    teacher = teacher_of(places, state.school[who][:, None], state.grade[who][:, None], section)
    leniency = np.where(teacher >= 0, places.leniency[teacher], 0.0)
    mean = equations.grade_mean(shape.truth, students.standing[who][:, None], engagement[:, None], leniency)
    latent = mean + places.grade_noise[state.school[who]][:, None] * rng.normal(size=section.shape)
    return np.searchsorted(np.array(shape.truth.grade_cuts), latent)


def teacher_of(places: Places, school: Ints, grade: Ints, section: Ints) -> Ints:
    """Return who teaches each course's section: fixed by school, subject, grade and section number."""
    pools = _pools(places)
    teacher = np.full(np.broadcast_shapes(school.shape, section.shape), -1)
    for course in range(section.shape[1]):
        first, size = pools[min(course, 4)]
        here = school[:, 0]
        elementary = places.level[here] == 0
        first, size = (
            np.where(elementary, pools[1][0][here], first[here]),
            np.where(elementary, pools[1][1][here], size[here]),
        )
        turn = 7 * np.minimum(grade[:, 0], 12) + section[:, course] + (course == 5)
        teacher[:, course] = np.where(section[:, course] >= 0, first + turn % np.maximum(size, 1), -1)
    return teacher


def _pools(places: Places) -> dict[int, tuple[Ints, Ints]]:
    """First teacher and number of teachers of each school, by subject (teachers are laid out in runs)."""
    schools = np.arange(len(places.level))
    runs = {}
    for subject in range(5):
        mine = np.flatnonzero(places.teacher_subject == subject)
        owner = places.teacher_school[mine]
        first = np.searchsorted(owner, schools)
        size = np.searchsorted(owner, schools, side="right") - first
        runs[subject] = (mine[np.minimum(first, len(mine) - 1)] if len(mine) else first, size)
    return runs
