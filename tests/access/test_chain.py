"""A line of the audit log against the bytes it is made of."""

from __future__ import annotations

import hashlib

from workbench.access import chain


def test_a_line_is_sealed_with_the_hash_of_its_bytes() -> None:
    line = chain.seal(1, chain.START, {"who": "lee"})
    body = b'{"n":1,"prev":"' + b"0" * 64 + b'","who":"lee"'
    assert line == body + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    assert chain.unseal(line) == chain.Line(1, chain.START, hashlib.sha256(body).hexdigest(), {"who": "lee"})


def test_a_name_cannot_break_out_of_its_line() -> None:
    name = 'lee","hash":"0"}\n{"n":2 é\u2028'
    line = chain.seal(1, chain.START, {"who": name})
    assert line.count(b"\n") == 1
    opened = chain.unseal(line)
    assert opened
    assert opened.told == {"who": name}


def test_what_is_no_line_is_none() -> None:
    sealed = hashlib.sha256(b"[1").hexdigest().encode()
    for raw in (b"", b"\n", b"{}\n", b'[1,"hash":"' + sealed + b'"}\n', chain.seal(1, "0", {})[:-1]):
        assert chain.unseal(raw) is None
