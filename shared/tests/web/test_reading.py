"""What the JSON reader takes and what it refuses, and where."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moat.kit.problems import BadRequest, Invalid
from moat.kit.web.reading import DEPTH_MAX, read_json

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=30,
)


@given(documents, st.booleans())
def test_every_sound_document_is_read_as_python_reads_it(document, ascii_only):
    assert read_json(json.dumps(document, ensure_ascii=ascii_only).encode()) == document


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"a": [1, NaN]}', "/a/1"),
        (b'{"a": -Infinity}', "/a"),
        (b'{"a/b": {"~": 1e400}}', "/a~1b/~0"),
        (b'{"a": ' + b"9" * 400 + b".5}", "/a"),
        (b'{"a": ', ""),
        (b'"\xff"', ""),
        (b"", ""),
        (b"[1,]", ""),
        (b'\xef\xbb\xbf{"a": 1}', ""),
    ],
)
def test_what_is_not_json_is_unreadable_and_its_place_is_named(body, pointer):
    with pytest.raises(BadRequest) as refusal:
        read_json(body)

    assert [e.pointer for e in refusal.value.errors] == [pointer]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"name": "a\\u0000b"}', "/name"),
        (b'{"name": ["x", "\\ud800"]}', "/name/1"),
        (b'{"name": "\\uDFFF\\ud800"}', "/name"),
        (b'{"o": {"\\u0000": 1}}', "/o"),
        (b'{"n": 9223372036854775808}', "/n"),
        (b'{"n": -9223372036854775809}', "/n"),
        (b'{"n": ' + b"9" * 5000 + b"}", "/n"),
    ],
)
def test_what_cannot_be_stored_is_invalid_and_its_place_is_named(body, pointer):
    with pytest.raises(Invalid) as refusal:
        read_json(body)

    assert [e.pointer for e in refusal.value.errors] == [pointer]


def test_a_whole_surrogate_pair_and_an_escaped_backslash_are_text():
    assert read_json(b'["\\ud83d\\ude00", "\\\\u0000", 9223372036854775807]') == ["😀", "\\u0000", 2**63 - 1]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_is_taken_up_to_the_bound_and_not_beyond(opening):
    closing = "]" if opening == "[" else "}"

    def nested(levels):
        return (opening * levels + "1" + closing * levels).encode()

    assert read_json(nested(DEPTH_MAX)) is not None
    for levels in (DEPTH_MAX + 1, 500, 100_000):
        with pytest.raises(Invalid):
            read_json(nested(levels))


def test_brackets_in_texts_are_not_nesting():
    body = json.dumps({"text": "[" * 500, "list": [[]] * 500}).encode()

    assert read_json(body)["text"] == "[" * 500
