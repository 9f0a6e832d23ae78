"""Words and methods, one click away on every page: what is meant by what is shown, and where it is from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from workbench.dashboards.blocks import provenance
from workbench.dashboards.labels import meanings
from workbench.disclosure.published import PublishedTable
from workbench.growth.trends.indicators import INDICATORS

WORDS: Final = {
    "95 % interval": (
        "What chance leaves open: of 100 such ranges, about 95 hold the number that very many students like these "
        "would give. The fewer students, the wider. Written in brackets, drawn as a bar or a band. Limits of shares: "
        "Wilson 1927."
    ),
    "clear change": (
        "A difference whose own 95 % interval leaves out 0 (Newcombe 1998, method 10; Zou & Donner 2008). "
        "Students who are in both numbers make this cautious: a change may be real and yet not be called clear."
    ),
    "withheld": (
        "A group is so small that its numbers could tell about one person, or another number would give them away."
    ),
    "not published": (
        "No such number was made: grades and groups of single schools, for instance, are published for the "
        "measure that the last run looked at closely."
    ),
    "points": "A change from 20 % to 25 % is one of 5 points (of 100 students, 5 more).",
    "similar schools": (
        "Schools of the same level nearest in whom they teach: the root mean square of differences in the "
        "published shares (economically disadvantaged, English learners, students with a disability) and in the "
        "logarithm of size, each in standard deviations of the schools of that level. Distances under 1 are "
        "small. It says nothing about teaching, and two schools of one level can be the nearest and yet not near."
    ),
    "standard deviation": (
        "How far students are apart: about two thirds of them are within one of it from the mean. A gap of 0.5 is"
        " half of it."
    ),
    "gap (V)": (
        "The gap in standard deviations of a curve of bell shape that puts the two groups in the same order (Ho &"
        " Reardon 2012); it does not depend on how the test's scale is stretched."
    ),
    "growth percentile": (
        "Of 100 students with the same earlier scores, how many scored lower this year; 50 is usual (Betebenner 2009)."
    ),
    "value added": (
        "How far a school's students are above what their earlier scores and circumstances let expect, against "
        "schools of the same level; pulled to the average the less there is to go by. It is an estimate about a "
        "school's students, not a verdict on its teachers."
    ),
    "growth a year": (
        "Points of a scale that is the same in every grade, gained in a year on average, from a curve for each "
        "student and school."
    ),
    "cannot be told apart": (
        "With the false-discovery rate held at 5 % (Benjamini & Hochberg 1995), the school is neither above nor "
        "below the average of its level."
    ),
    "risk": (
        "The chance that a student leaves school, as a model learned from earlier students computes it. Risks are "
        "added up over a group; for one student a risk is a reason to ask, not an answer."
    ),
    "on track": (
        "The student's growth percentile is enough to reach, or keep, the standard within the years looked ahead."
    ),
}


def words_and_methods(published: Iterable[PublishedTable], words: Iterable[str], indicators: Iterable[str] = ()) -> str:
    """Return the glossary of a page, the definitions of its measures with their sources, and whose data it shows."""
    published = list(published)
    usual = ("95 % interval", "withheld") if any(one.min_count for one in published) else ("95 % interval",)
    terms: Mapping[str, str] = {name: WORDS[name] for name in (*usual, *words)}
    measures = {
        INDICATORS[name].words: f"{INDICATORS[name].definition}. Source: {INDICATORS[name].source}."
        for name in indicators
    }
    tables = list(published)
    late = "".join(f'<p class="wb-note">{escape(one)}</p>' for one in dict.fromkeys(t.kept for t in tables if t.kept))
    return (
        '<section class="wb-section wb-words"><h2>Words and methods</h2><details><summary>What is meant, how it is '
        f'computed, and by whom</summary><div id="wb-words">{_list(terms)}{_measures(measures)}'
        f"{_list({one.title: _columns(one) for one in tables if one.help})}</div></details></section>"
        f"{late}{provenance(tables[0])}"
    )


def _measures(measures: Mapping[str, str]) -> str:
    return f"<h3>Measures</h3>{_list(measures)}<h3>Tables</h3>" if measures else "<h3>Tables</h3>"


def _columns(one: PublishedTable) -> str:
    return "; ".join(f"{label}: {text}" for label, text in meanings(one).items()) + "."


def _list(terms: Mapping[str, str]) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in terms.items())
    return f"<dl>{items}</dl>" if items else ""
