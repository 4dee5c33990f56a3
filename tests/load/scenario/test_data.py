"""Rows to fill requests with."""

import json
from pathlib import Path

import pytest

from senior_backend.errors import InputError
from senior_backend.load import target
from senior_backend.load.scenario import file
from senior_backend.load.scenario.compile import compile_requests, row
from tests.load.scenario.scenarios import body, plan, scenario, sent


@pytest.fixture(autouse=True)
def _in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def columns(feeder: dict[str, object], source: str, arrivals: range) -> list[object]:
    """What a placeholder becomes, one arrival after the other."""
    made = plan({"method": "POST", "path": "/", "json": source}, data={"d": feeder}).first[0]
    return [json.loads(body(sent(made, k))) for k in arrivals]


CSV = '﻿email, name\r\na@x,Ann\r\n\r\nb@x,"Bo, ""B"""\r\nc@x,Cé\u2028\r\n'


def test_rows_of_a_csv_file_follow_each_other_and_begin_again() -> None:
    Path("d.csv").write_bytes(CSV.encode())
    assert columns({"csv": "d.csv"}, "${d.email} ${d.name}", range(5)) == [
        "a@x Ann",
        'b@x Bo, "B"',
        "c@x Cé\u2028",
        "a@x Ann",
        'b@x Bo, "B"',
    ]


def test_random_rows_are_the_same_for_all_columns_and_come_evenly() -> None:
    Path("d.csv").write_text("a,b\n" + "".join(f"{n},{n}\n" for n in range(10)))
    rows = columns({"csv": "d.csv", "pick": "random"}, "${d.a}-${d.b}", range(5000))
    assert set(rows) == {f"{n}-{n}" for n in range(10)}
    # 500 expected of each, standard deviation 21
    assert all(400 < rows.count(each) < 600 for each in set(rows))
    assert rows[:10] != [f"{n}-{n}" for n in range(10)]


def test_values_of_jsonl_keep_their_types() -> None:
    Path("d.jsonl").write_text('{"a": 1, "b": {"c": [true]}}\n\n{"b": null, "a": "x"}\n')
    assert columns({"jsonl": "d.jsonl"}, "${d.a}", range(2)) == [1, "x"]
    assert columns({"jsonl": "d.jsonl"}, "${d.b}", range(2)) == [{"c": [True]}, None]
    assert columns({"jsonl": "d.jsonl"}, "<${d.b}>", range(2)) == ['<{"c":[true]}>', "<>"]


def test_generated_values_are_one_for_each_arrival_wherever_they_stand() -> None:
    generated = {"id": "${uuid}", "age": "${int(18, 90)}", "name": "n-${arrival}", "kind": 7}
    made = plan(
        {
            "method": "POST",
            "path": "/${people.id}",
            "json": ["${people.id}", "${people.age}", "${people.name}", "${people.kind}"],
        },
        data={"people": {"generate": generated}},
    ).first[0]
    for arrival in range(3):
        data = sent(made, arrival)
        identity, age, name, kind = json.loads(body(data))
        assert data.startswith(f"POST /{identity} ".encode())
        assert 18 <= age <= 90
        assert (name, kind) == (f"n-{arrival}", 7)


def test_feeders_may_use_those_above_them() -> None:
    Path("d.csv").write_text("a\n1\n2\n")
    made = plan(
        {"method": "POST", "path": "/", "json": "${e.b}"},
        data={"d": {"csv": "d.csv"}, "e": {"generate": {"b": ["<${d.a}>"]}}},
    ).first[0]
    assert [json.loads(body(sent(made, k))) for k in range(2)] == [["<1>"], ["<2>"]]


REQUESTS = {
    "count": 2,
    "requests": [
        {"method": "POST", "path": "/c", "json": "${arrival}", "capture": {"c": {"json": "id"}}},
        {"path": "/o/${c}", "capture": {"id": {"json": "id"}, "tag": {"header": "ETag"}}},
    ],
}


def test_requests_make_rows_of_what_they_capture() -> None:
    whole = scenario(
        {"path": "/${o.id}", "headers": {"If-Match": "${o.tag}"}}, data={"o": REQUESTS}
    )
    to = target.parse("http://127.0.0.1")
    first = compile_requests(whole, "o", to, nonce=1, token=None, rows={})
    assert first.next is not None
    assert first.next.next is None
    assert body(sent(first, 5)) == b"5"
    assert sent(first.next, c="x/y").startswith(b"GET /o/x%2Fy ")
    made = row(whole.data["o"], {"c": 1, "id": 2, "tag": '"t"', "other": 3})
    assert made == {"c": 1, "id": 2, "tag": '"t"'}
    step = plan(
        {"path": "/${o.id}"}, data={"o": REQUESTS}, rows={"o": [made, {**made, "id": "z"}]}
    ).first[0]
    assert [sent(step, k).split(b" ")[1] for k in range(3)] == [b"/2", b"/z", b"/2"]


BAD = [
    ("d.csv", "", "d.csv:1: the file is empty; it needs a header row and rows"),
    ("d.csv", "a,b\n", "d.csv:2: no rows below the header; add at least one"),
    ("d.csv", "a,b", "d.csv:2: no rows below the header; add at least one"),
    (
        "d.csv",
        "a,b\n1,2\n\n1\n",
        (
            "d.csv:4: 1 values for 2 columns; give every row the same number "
            "(quote a value that has a comma)"
        ),
    ),
    (
        "d.csv",
        'a,b\n"1\n",2\n1,2,3\n',
        (
            "d.csv:4: 3 values for 2 columns; give every row the same number "
            "(quote a value that has a comma)"
        ),
    ),
    ("d.csv", "a;b\n1;2\n", "d.csv:1: separate the columns with commas"),
    ("d.csv", "a,\n1,2\n", "d.csv:1: column 2 has no name; the first row names them"),
    ("d.csv", "a,a\n1,2\n", "d.csv:1: two columns are called 'a'; rename one"),
    ("d.csv", 'a\n"1\n', "d.csv:2: not CSV: unexpected end of data; mend the row"),
    ("d.csv", b"a\n\xff\n", "d.csv:2: not UTF-8; save the file as UTF-8"),
    ("d.jsonl", "", "d.jsonl:1: no rows; write one JSON object a line"),
    ("d.jsonl", "\n\n", "d.jsonl:1: no rows; write one JSON object a line"),
    ("d.jsonl", '{"a": 1}\n[1]\n', 'd.jsonl:2: write an object with keys: {"sku": "A-1"}'),
    ("d.jsonl", '{"a": 1}\n{}\n', 'd.jsonl:2: write an object with keys: {"sku": "A-1"}'),
    (
        "d.jsonl",
        '{"a": 1}\n{"b": 1}\n',
        "d.jsonl:2: 'a' is missing; give every line the same keys",
    ),
    (
        "d.jsonl",
        '{"a": 1}\n{"a": 1, "b": 1}\n',
        "d.jsonl:2: 'b' is not in the lines above; give every line the same keys",
    ),
    (
        "d.jsonl",
        '{"a": 1}\n{"a": }\n',
        "d.jsonl:2:7: not JSON: Expecting value; write one object a line",
    ),
    ("d.jsonl", '{"a": NaN}\n', "d.jsonl:1: not JSON: NaN in it; mend the line"),
    ("d.jsonl", "[" * 100_000, "d.jsonl:1: not JSON: nested too deeply; mend the line"),
    ("d.jsonl", b'{"a": "\xff"}\n', "d.jsonl:1: not UTF-8; save the file as UTF-8"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_a_wrong_row_is_named_by_file_and_line(
    name: str, content: str | bytes, message: str
) -> None:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    Path("s.yml").write_text(
        "load: {rate: 1, duration: 1s}\nendpoints: [{path: /}]\n"
        f"data: {{d: {{{name.partition('.')[2]}: {name}}}}}\n"
    )
    with pytest.raises(InputError) as caught:
        file.read("s.yml")
    assert str(caught.value) == message


def test_a_large_value_in_a_csv_file_is_a_value() -> None:
    Path("d.csv").write_text(f"a\n{'x' * 200_000}\n")
    assert columns({"csv": "d.csv"}, "${d.a}", range(1)) == ["x" * 200_000]
