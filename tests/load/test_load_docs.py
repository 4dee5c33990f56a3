"""docs/load.md tells the truth: its scenarios load, the main one runs, its output is ours."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from senior_backend.load.compare import compare, run_compare
from senior_backend.load.comparison.document import Comparison
from senior_backend.load.formats import comparison as formats
from senior_backend.load.scenario.flags import Flags
from senior_backend.load.scenario.flags import read as read_flags
from senior_backend.load.thresholds import problems
from tests.load import simulated_server as simulated
from tests.load.cli import GENEROUS, cli
from tests.load.comparison_power import SERVERS
from tests.load.orders_service import orders_service
from tests.test_skill import parse, shell_lines

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/load.md"
TEXT = PAGE.read_text(encoding="utf-8")

_YAML = re.findall(r"^(?:<!-- ([\w ]+) -->\n)?```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
JOBS = [block for mark, block in _YAML if mark == "ci"]
SCENARIOS = [block for mark, block in _YAML if mark != "ci"]
MAIN = SCENARIOS[0]
(FROM_K6,) = [block for mark, block in _YAML if mark == "from k6"]
FILES = {
    "users.csv": "email\na@example.com\nb@example.com\n",
    "customers.jsonl": '{"id": "1"}\n{"id": "2"}\n',
    "items.jsonl": '{"sku": "a"}\n{"sku": "b"}\n',
    "order.graphql": "query Order($id: Int!) { order(id: $id) { id } }",
    "ca.pem": "",
    "client.pem": "",
    "client.key": "",
}
WHOLE = {
    "load": "load: {rate: 1, duration: 1m}\n",
    "endpoints": "endpoints: [{path: /}]\n",
}
"""What the page leaves out of an example that is about something else."""


def whole(example: str) -> str:
    keys = set(yaml.safe_load(example))
    added = [
        text
        for key, text in WHOLE.items()
        if key not in keys and not (key == "endpoints" and "flows" in keys)
    ]
    return example + "".join(added)


@pytest.mark.parametrize("example", SCENARIOS, ids=lambda e: next(iter(yaml.safe_load(e))))
def test_every_scenario_of_the_page_is_accepted(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "k")
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    path = tmp_path / "scenario.yml"
    path.write_text(whole(example))
    assert read_flags(Flags(scenario=path), problems).scenario.load.shape


def test_the_first_scenario_runs_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "loadtest.yml").write_text(MAIN)
    with orders_service() as address:
        done = cli(
            *("load", "run", "loadtest.yml", "--target", address, *GENEROUS),
            *("--rps", "40", "--duration", "3s", "--warm-up", "0s", "--output", "result.json"),
            # Another program may hold the machine for a second: here that is no failure.
            *("--threshold", "http_req_duration: p(50)<30000"),
            cwd=tmp_path,
        )
    result = json.loads((tmp_path / "result.json").read_text())
    assert set(result["endpoints"]) == {"list_orders", "get_customer", "create_order", "read_order"}
    assert result["total"]["errors"] == {}, done.stdout
    # 120 arrivals, of which a tenth are flows of two requests.
    assert (result["due"], result["sent"]) == (120, 132)


def test_the_scenario_from_k6_runs(tmp_path: Path) -> None:
    # A delay longer than the two seconds of this run would be refused.
    (tmp_path / "loadtest.yml").write_text(
        FROM_K6.replace("delayAbortEval: 10s", "delayAbortEval: 1s")
    )
    (tmp_path / "customers.jsonl").write_text(FILES["customers.jsonl"])
    with orders_service() as address:
        done = cli(
            *("load", "run", "loadtest.yml", "--target", address, *GENEROUS),
            *("--rps", "40", "--duration", "2s", "--output", "result.json"),
            cwd=tmp_path,
        )
    result = json.loads((tmp_path / "result.json").read_text())
    assert (result["sent"], result["total"]["errors"]) == (80, {}), done.stdout
    assert {name: e["count"] for name, e in result["endpoints"].items()} == {
        "list_orders": 72,
        "create_order": 8,
    }


def test_the_first_command_runs_and_its_result_is_reported(tmp_path: Path) -> None:
    with orders_service() as address:
        run = cli(
            *("load", "run", "--target", f"{address}/v1/orders", "--rps", "100"),
            *("--duration", "2s", "--output", "results/load-test.json", *GENEROUS),
            cwd=tmp_path,
        )
    result = json.loads((tmp_path / "results/load-test.json").read_text())
    assert (result["sent"], result["total"]["errors"]) == (200, {}), run.stdout
    for line in shell_lines(PAGE):
        if "load report" in line and "--baseline" not in line and ">>" not in line:
            done = cli(*line.split()[1:], cwd=tmp_path)
            assert done.returncode == 0, done.stderr


COMMANDS = [line for line in shell_lines(PAGE) if line.startswith("senior-backend ")]


@pytest.mark.parametrize("line", [line for line in COMMANDS if "--help" not in line])
def test_every_command_of_the_page_parses(line: str) -> None:
    parse(shlex.split(line.partition(">>")[0])[1:])


def test_in_ci_a_failed_threshold_does_not_keep_the_reports_from_being_made() -> None:
    github, gitlab = map(yaml.safe_load, JOBS)
    run, *after = github["steps"]
    assert " load run " in run["run"]
    assert {step["if"] for step in after} == {"${{ !cancelled() }}"}
    (job,) = gitlab.values()
    assert job["artifacts"]["when"] == "always"
    for line in [run["run"], after[0]["run"], *job["script"], *job["after_script"]]:
        parse(shlex.split(line.partition(">>")[0])[1:])
    for line in (after[0]["run"], *job["after_script"]):
        assert " load report " in line


@pytest.mark.parametrize("link", re.findall(r"\]\(((?!https?://)[^)]+)\)", TEXT))
def test_every_link_of_the_page_leads_somewhere(link: str) -> None:
    path, _, anchor = link.partition("#")
    assert (PAGE.parent / path).exists()
    if anchor:
        titles = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
        anchors = [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]
        assert anchor in anchors


def compared() -> Comparison:
    """The example of the page: a simulated server that became 10 % slower."""
    server, slower = SERVERS[1], SERVERS[1].slower(1.1)
    return compare(
        [simulated.run(server, seed) for seed in (1, 2, 3)],
        [simulated.run(slower, seed) for seed in (4, 5, 6)],
        names=(
            [f"before/{n}.json" for n in (1, 2, 3)],
            [f"after/{n}.json" for n in (1, 2, 3)],
        ),
    )


def test_the_comparison_of_the_page_is_what_the_command_prints() -> None:
    shown = re.search(r"^<!-- comparison -->\n```text\n(.*?)\n```", TEXT, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert shown[1] == formats.render(compared(), "terminal")


def test_comparing_folders_as_the_page_does(tmp_path: Path) -> None:
    for side, factor in (("before", 1.0), ("after", 1.3)):
        (tmp_path / side).mkdir()
        for seed in range(3):
            run = simulated.run(SERVERS[0].slower(factor), seed + len(side))
            (tmp_path / side / f"{seed}.json").write_text(run.model_dump_json())
    _, code = run_compare([tmp_path / "before"], [tmp_path / "after"])
    assert code == 1
