"""Files of queries as people bring them, from whatever editor they come."""

import pytest

from rl_router.data.query_files import read_plain_queries
from rl_router.errors import DataError


def texts(path):
    return [query.text for query in read_plain_queries(path)]


@pytest.mark.parametrize("name", ["q.txt", "q.jsonl"])
def test_a_byte_order_mark_and_the_line_ends_of_windows_are_no_part_of_a_query(tmp_path, name):
    lines = ["first", "second"] if name == "q.txt" else ['{"query": "first"}', '{"query": "second"}']
    (tmp_path / name).write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    assert texts(tmp_path / name) == ["first", "second"]


def test_a_line_separator_inside_a_json_string_ends_no_line(tmp_path):
    (tmp_path / "q.jsonl").write_text('{"query": "one\u2028two"}\n', encoding="utf-8")
    assert texts(tmp_path / "q.jsonl") == ["one\u2028two"]


def test_a_line_that_is_no_json_is_named_by_its_number(tmp_path):
    (tmp_path / "q.jsonl").write_text('{"query": "one"}\n\n{nope\n')
    with pytest.raises(DataError, match=r"q\.jsonl is not what its name says: line 3 is no JSON"):
        read_plain_queries(tmp_path / "q.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.txt", "\n \n", "holds no query"),
        ("q.json", '{"query": "one"}', "it should hold a list"),
        ("q.json", '[{"answer": "one"}]', "entry 1 of"),
        ("q.csv", "one", "expected queries in a .txt, .json or .jsonl file"),
    ],
)
def test_what_holds_no_queries_is_refused(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said):
        read_plain_queries(tmp_path / name)
