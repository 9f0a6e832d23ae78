"""What a viewer reads when the shared server itself cannot show a page."""

from __future__ import annotations

import pytest

pytest.importorskip("voila")

from workbench.errors import AuditError
from workbench.hub import pages


class Answer:
    """As much of a request as an answer in words needs."""

    def __init__(self) -> None:
        self.said = ""

    def set_header(self, *_: str) -> None:
        pass

    def finish(self, said: str) -> None:
        self.said = said


@pytest.mark.parametrize("status", [403, 404, 405, 500, 503])
def test_what_operators_are_told_is_on_no_page(status: int) -> None:
    error = AuditError("The audit log ends at line 3, but its anchor knows line 4. Type: workbench audit verify")
    answer = Answer()
    pages.Plain.write_error(answer, status, exc_info=(AuditError, error, None))  # type: ignore[arg-type]
    assert pages.WORDS.get(status, pages.SORRY) in answer.said
    for word in ("audit", "line 3", "Type", "AuditError"):
        assert word not in answer.said
