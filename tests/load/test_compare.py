"""Two sides of results compared: verdicts, what is refused, what is shown, the exit codes."""

import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist

import jsonschema
import pytest

import senior_backend
from senior_backend.errors import InputError, NotRunError
from senior_backend.load.compare import compare, files, read, run_compare
from senior_backend.load.comparison.document import Comparison, Metric
from senior_backend.load.formats import comparison as formats
from senior_backend.load.histogram import bucket
from senior_backend.load.result import Result
from senior_backend.load.validity import few
from tests.load import simulated_server as simulated
from tests.load.cli import cli
from tests.load.comparison_power import Setting, counts
from tests.load.simulated_server import Endpoint, Server

SPREAD = [math.exp(0.5 * NormalDist().inv_cdf((i + 0.5) / 100)) for i in range(100)]
"""A hundred response times around 1: lognormal, and always the same."""


def measured(
    medians_ms: Mapping[str, float],
    *,
    seed: int = 1,
    wobble: float = 0.01,
    failed: Mapping[int, int] | None = None,
    rates: Sequence[int] = (100,) * 60,
    **changes: object,
) -> Result:
    """A run in which each second of each endpoint moves by ``wobble``; fast to make.

    ``failed``: second -> requests of each endpoint that failed in it.
    """
    chance = random.Random(seed)
    seconds = []
    for _ in rates:
        moved = {name: ms * math.exp(chance.gauss(0, wobble)) for name, ms in medians_ms.items()}
        seconds.append(
            [dict(Counter(bucket(int(ms * s * 1e6)) for s in SPREAD)) for ms in moved.values()]
        )
    lost = [[(failed or {}).get(second, 0)] * len(medians_ms) for second in range(len(rates))]
    return simulated.result(list(medians_ms), seconds, lost, rates, **changes)


ORDERS = {"orders": 10.0}
SCHEMAS = Path(senior_backend.__file__).parent / "schemas"


def three(medians_ms: Mapping[str, float], seed: int = 1, **changes: object) -> list[Result]:
    return [measured(medians_ms, seed=seed + i, **changes) for i in range(3)]  # type: ignore[arg-type]


def words(found: Comparison) -> dict[str, str]:
    return {name: endpoint.verdict for name, endpoint in found.endpoints.items()}


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize(
    ("factor", "verdict", "exit_code"),
    [(1.0, "no difference", 0), (1.3, "slower", 1), (1 / 1.3, "faster", 0)],
)
def test_an_endpoint_is_faster_or_slower_or_neither(
    runs: int, factor: float, verdict: str, exit_code: int
) -> None:
    base = [measured(ORDERS, seed=i) for i in range(runs)]
    new = [measured({"orders": 10 * factor}, seed=10 + i) for i in range(runs)]
    found = compare(base, new)
    assert (words(found), found.exit_code) == ({"orders": verdict}, exit_code)
    orders = found.endpoints["orders"]
    assert orders.ratio == pytest.approx(factor, rel=0.02)
    assert orders.interval is not None
    assert orders.interval[0] < orders.ratio < orders.interval[1]
    assert found.method == ("runs" if runs == 3 else "blocks")


def test_slower_within_the_tolerance_is_said_and_fails_nothing() -> None:
    base, new = three(ORDERS), three({"orders": 10.5}, 10)
    accepted = compare(base, new, tolerance=0.1)
    assert (words(accepted), accepted.exit_code) == ({"orders": "slower"}, 0)
    assert not accepted.endpoints["orders"].beyond_tolerance
    refused = compare(base, new, tolerance=0.02)
    assert (words(refused), refused.exit_code) == ({"orders": "slower"}, 1)


def test_what_the_base_differs_from_itself_is_no_finding() -> None:
    # Its runs lie 4 % apart; those of the new side agree, 4 % above its mean.
    base = [measured({"orders": ms}, seed=i) for i, ms in enumerate((9.6, 10.0, 10.4))]
    found = compare(base, three({"orders": 10.4}, 10))
    orders = found.endpoints["orders"]
    assert (orders.verdict, found.exit_code) == ("no difference", 0)
    assert orders.noise_floor is not None
    assert orders.noise_floor - 1 == pytest.approx(0.04, abs=0.015)
    assert not orders.slowdown_excluded


def test_the_interval_says_whether_a_slowdown_is_excluded() -> None:
    steady = compare(three(ORDERS), three(ORDERS, 10))
    assert steady.endpoints["orders"].slowdown_excluded
    rough = compare(three(ORDERS, wobble=0.3), three(ORDERS, 10, wobble=0.3))
    assert not rough.endpoints["orders"].slowdown_excluded
    assert any("not excluded for orders" in note for note in formats.notes(rough))
    assert "but the noise could hide it in 1" in formats.headline(rough)[1]
    assert "hide" not in formats.headline(steady)[1]


def test_runs_that_vary_too_much_to_show_a_doubling_are_not_comparable() -> None:
    wild = [measured({"orders": ms}, seed=i) for i, ms in enumerate((5.0, 10.0, 20.0))]
    found = compare(wild, three(ORDERS, 10))
    orders = found.endpoints["orders"]
    assert (orders.verdict, found.exit_code) == ("not comparable", 3)
    assert orders.reason == "the runs vary so much that not even twice as slow would show"
    assert "not comparable" in formats.render(found, "terminal")


def test_endpoints_of_one_side_are_listed_and_not_compared() -> None:
    base = three({"orders": 10.0, "gone": 5.0})
    found = compare(base, three({"orders": 10.0, "added": 5.0}, 10))
    assert words(found) == {
        "orders": "no difference",
        "added": "not comparable",
        "gone": "not comparable",
    }
    assert found.endpoints["added"].reason == "only in the new side"
    assert found.endpoints["gone"].reason == "only in the base side"
    assert found.exit_code == 0


def test_more_endpoints_make_each_interval_wider() -> None:
    one = compare(three(ORDERS), three(ORDERS, 10)).endpoints["orders"]
    many = {"orders": 10.0, **{f"other{i}": 10.0 for i in range(19)}}
    of_twenty = compare(three(many), three(many, 10)).endpoints["orders"]
    assert one.interval is not None
    assert of_twenty.interval is not None
    assert of_twenty.interval[1] - of_twenty.interval[0] > one.interval[1] - one.interval[0]


@pytest.mark.parametrize("metric", ["p50", "p90", "p95", "p99", "mean"])
def test_every_metric_finds_what_slows_all_requests(metric: str) -> None:
    found = compare(three(ORDERS), three({"orders": 13.0}, 10), metric=metric)  # type: ignore[arg-type]
    assert words(found) == {"orders": "slower"}
    shown = three(ORDERS)[0].endpoints["orders"].response_time_ms[metric]
    assert found.endpoints["orders"].base_ms == pytest.approx(shown, rel=0.01)


def test_the_shown_number_is_that_of_the_report() -> None:
    base, new = measured(ORDERS), measured(ORDERS, seed=2)
    orders = compare([base], [new]).endpoints["orders"]
    assert orders.base_ms == base.endpoints["orders"].response_time_ms["p95"]
    assert orders.new_ms == new.endpoints["orders"].response_time_ms["p95"]


# --- failures


SOME = dict.fromkeys(range(60), 2)  # 2 % of 100 a second, evenly


@pytest.mark.parametrize(
    ("what", "base", "new", "verdict", "exit_code"),
    [
        ("the same rate", SOME, SOME, "no difference", 0),
        ("more, evenly", {}, dict.fromkeys(range(0, 60, 3), 1), "more", 1),
        ("fewer", SOME, {}, "fewer", 0),
        ("a single one", {}, {30: 1}, "no difference", 0),
        ("a burst of thirty, which is one event", {}, {30: 30}, "no difference", 0),
        ("an outage of five seconds", {}, dict.fromkeys(range(20, 25), 100), "more", 1),
    ],
)
def test_failures_are_compared_as_events(
    what: str, base: dict[int, int], new: dict[int, int], verdict: str, exit_code: int
) -> None:
    found = compare([measured(ORDERS, failed=base)], [measured(ORDERS, seed=2, failed=new)])
    failures = found.endpoints["orders"].failures
    assert (failures.verdict, found.exit_code) == (verdict, exit_code), what
    assert (failures.base, failures.new) == (sum(base.values()), sum(new.values()))


def test_failures_that_come_and_go_from_run_to_run_are_no_finding() -> None:
    base = [
        measured(ORDERS, seed=i, failed=dict.fromkeys(range(60), n))
        for i, n in enumerate((0, 1, 2))
    ]
    new = [measured(ORDERS, seed=9, failed=SOME)] * 3
    failures = compare(base, new).endpoints["orders"].failures
    assert failures.verdict == "no difference"


def test_faster_by_failing_is_not_faster() -> None:
    new = measured({"orders": 5.0}, seed=2, failed=dict.fromkeys(range(60), 50))
    found = compare([measured(ORDERS)], [new])
    orders = found.endpoints["orders"]
    assert (orders.verdict, orders.failures.verdict) == ("not comparable", "more")
    assert "what failed has no response time" in orders.reason
    assert found.exit_code == 1


def test_a_side_that_only_fails_has_no_response_times_and_fails() -> None:
    new = simulated.result(["orders"], [[{}]] * 60, [[100]] * 60, [100] * 60)
    found = compare([measured(ORDERS)], [new])
    orders = found.endpoints["orders"]
    assert orders.reason == "new side: 0 requests succeeded, p95 takes 200"
    assert (orders.failures.verdict, found.exit_code) == ("more", 1)


def test_arrivals_that_were_dropped_fail_a_comparison() -> None:
    new = measured(ORDERS, seed=2)
    series = [window.model_copy(update={"dropped": 5}) for window in new.series]
    found = compare([measured(ORDERS)], [new.model_copy(update={"series": series})])
    assert (found.dropped.verdict, found.dropped.new, found.exit_code) == ("more", 300, 1)
    assert "more arrivals are dropped" in formats.headline(found)[1]


# --- what is refused


RAMP = list(range(10, 130, 2))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"rates": (200,) * 60}, "one was asked for 100/s, another for 200/s"),
        ({"arrivals": "poisson"}, "arrivals are constant in one and poisson in another"),
        ({"rates": (50,) * 30 + (150,) * 30}, "the load takes another course: at 0 % of the run"),
    ],
)
def test_other_loads_are_not_compared(changed: dict[str, object], reason: str) -> None:
    found = compare([measured(ORDERS)], [measured(ORDERS, seed=2, **changed)])  # type: ignore[arg-type]
    assert reason in found.not_comparable[0]
    assert (words(found), found.passed, found.exit_code) == ({"orders": "not comparable"}, None, 3)
    assert found.endpoints["orders"].failures.verdict == "not comparable"


def test_a_repeated_run_under_another_load_is_refused_on_its_own_side_too() -> None:
    base = [*three(ORDERS), measured(ORDERS, rates=(200,) * 60)]
    assert compare(base, three(ORDERS, 10)).exit_code == 3


def test_poisson_arrivals_differ_by_chance_and_are_compared() -> None:
    chance = random.Random(5)
    rates = [
        [sum(chance.random() < 0.01 for _ in range(10_000)) for _ in range(60)] for _ in range(2)
    ]
    base, new = (measured(ORDERS, seed=i, rates=r, arrivals="poisson") for i, r in enumerate(rates))
    assert compare([base], [new]).not_comparable == []


def test_another_length_is_a_warning_under_a_constant_load_and_refused_under_stages() -> None:
    found = compare([measured(ORDERS)], [measured(ORDERS, seed=2, rates=(100,) * 30)])
    assert "different lengths: 60 s and 30 s" in found.warnings
    assert found.exit_code == 0
    stopped = measured(ORDERS, seed=2, rates=RAMP[:30], planned_duration_s=60.0)
    # It stands for the first half of the same ramp.
    stopped = stopped.model_copy(update={"requested_rate": sum(RAMP) / 60})
    refused = compare([measured(ORDERS, rates=RAMP)], [stopped])
    assert "the load changes over the run" in refused.not_comparable[0]


def test_the_same_stages_are_compared_stretch_by_stretch() -> None:
    found = compare(
        [measured(ORDERS, rates=RAMP)], [measured({"orders": 13.0}, seed=2, rates=RAMP)]
    )
    assert words(found) == {"orders": "slower"}
    assert found.endpoints["orders"].noise_floor is None


def test_runs_too_short_to_vary_are_not_compared_with_one_a_side() -> None:
    short = compare([measured(ORDERS, rates=[100] * 5)], [measured(ORDERS, rates=[100] * 5)])
    assert "too short to tell how much they vary" in short.endpoints["orders"].reason
    assert short.exit_code == 3


@pytest.mark.parametrize(
    "cut_off",
    [
        {"blocks": []},
        {"endpoints": {}},
        {"duration_s": 0.0, "planned_duration_s": 0.0, "series": [], "blocks": []},
        {"duration_s": 0.0, "requested_rate": 0.0, "series": [], "blocks": [], "endpoints": {}},
    ],
)
def test_a_run_that_ended_before_it_measured_compares_with_nothing(
    cut_off: dict[str, object],
) -> None:
    found = compare([measured(ORDERS)], [measured(ORDERS, seed=2).model_copy(update=cut_off)])
    assert found.exit_code == 3
    assert all(formats.render(found, name) for name in formats.FORMATS)


def test_an_invalid_run_is_refused_with_its_reasons() -> None:
    bad = measured(ORDERS, valid=False, invalid_reasons=["sent 3 s late: use more workers"])
    with pytest.raises(NotRunError, match=r"base run 1: this run is INVALID .* use more workers"):
        compare([bad], [measured(ORDERS)])


def test_every_run_that_is_refused_is_named() -> None:
    bad = measured(ORDERS, valid=False, invalid_reasons=["late"])
    with pytest.raises(NotRunError, match=r"(?s)base run 1: .*new run 2: "):
        compare([bad], [measured(ORDERS), bad])


def test_an_invalid_run_in_a_folder_is_left_out_with_a_warning(sides: tuple[Path, Path]) -> None:
    invalid = measured(ORDERS, valid=False, invalid_reasons=["late"]).model_dump_json()
    bad = sides[1] / "9.json"
    bad.write_text(invalid)
    text, code = run_compare([sides[0]], [sides[1]], format="json")
    found = json.loads(text)
    assert code == 1
    assert str(bad) not in found["new"]["files"]
    assert found["warnings"][0] == f"left out: {bad}: this run is INVALID: late"
    with pytest.raises(NotRunError, match=r"9\.json: this run is INVALID"):
        run_compare([sides[0]], [sides[1], bad])
    for file in sides[1].glob("*.json"):
        file.write_text(invalid)
    with pytest.raises(NotRunError, match=r"(?s)0\.json: .*9\.json: "):
        run_compare([sides[0]], [sides[1]])


@pytest.mark.parametrize("metric", ["p95", "p99"])
def test_only_percentiles_that_are_compared_are_called_doubtful(metric: Metric) -> None:
    def side(seed: int) -> Result:
        run = measured({"orders": 10.0, "customers": 5.0}, seed=seed, rates=(100,) * 9)
        samples = {name: each.count - each.failed for name, each in run.endpoints.items()}
        warnings = [text for _, text in few(samples)]
        assert [percentile for percentile, _ in few(samples)] == ["p99", "p99.9"]
        return run.model_copy(update={"warnings": [*warnings, "the samples came late"]})

    said = compare([side(1)], [side(2)], metric=metric).warnings
    assert any("the samples came late" in warning for warning in said)
    assert any("samples for p99:" in warning for warning in said) == (metric == "p99")
    assert not any("few for p99.9" in warning for warning in said)


@pytest.mark.parametrize(
    ("changed", "warning"),
    [
        ({"scenario": "other"}, "different scenarios: simulated, other"),
        (
            {
                "environment": {
                    "senior_backend": "0",
                    "python": "3.11",
                    "platform": "Linux",
                    "cores": 8,
                    "host": "there",
                }
            },
            "different machines: here, there",
        ),
        ({"warnings": ["the target was saturated"]}, "new: the target was saturated"),
    ],
)
def test_what_makes_a_difference_doubtful_is_a_warning(
    changed: dict[str, object], warning: str
) -> None:
    new = measured(ORDERS, seed=2, **changed)  # type: ignore[arg-type]
    found = compare([measured(ORDERS)], [new])
    assert any(said.startswith(warning) for said in found.warnings)
    assert found.exit_code == 0


def test_one_run_a_side_is_warned_of() -> None:
    one = compare([measured(ORDERS)], [measured(ORDERS, seed=2)])
    assert any(w.startswith("with one run a side") for w in one.warnings)
    assert compare(three(ORDERS), three(ORDERS, 10)).warnings == []


# --- on the simulated server: few pairs, the same at each run; the whole is marked verify


def test_an_unchanged_server_raises_no_alarm() -> None:
    assert counts(Setting(Server(rate=200, workers=4), 1, 1.0, 1), 8)["failed"] == 0


def test_a_server_a_third_slower_is_found_each_time() -> None:
    assert counts(Setting(Server(rate=200, workers=4), 1, 1.3, 1), 4)["failed"] == 4


def test_an_outage_of_the_simulated_server_is_found() -> None:
    server = Server(rate=100, workers=4)
    out = Server(rate=100, workers=4, outage_s=(20.0, 25.0))
    found = compare([simulated.run(server, 1)], [simulated.run(out, 2)])
    assert {e.failures.verdict for e in found.endpoints.values()} == {"more"}


def test_a_server_that_always_fails_a_little_raises_no_alarm() -> None:
    flaky = Server(
        rate=200, workers=4, endpoints=(Endpoint("orders", 1, 0.005, 0.5, failing=0.003),)
    )
    found = [
        compare([simulated.run(flaky, i)], [simulated.run(flaky, i + 1)])
        for i in range(100, 112, 2)
    ]
    assert {f.endpoints["orders"].failures.verdict for f in found} == {"no difference"}


# --- files, formats, the command


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of three runs each; the new side is 30 % slower."""
    for name, ms in (("base", 10.0), ("new", 13.0)):
        folder = tmp_path / name
        folder.mkdir()
        for i, run in enumerate(three({"orders": ms}, len(name))):
            (folder / f"{i}.json").write_text(run.model_dump_json())
    return tmp_path / "base", tmp_path / "new"


def test_a_folder_stands_for_its_results(sides: tuple[Path, Path]) -> None:
    base, new = sides
    assert [path.name for path in files([base])] == ["0.json", "1.json", "2.json"]
    text, code = run_compare([base], [new])
    assert code == 1
    assert "SLOWER" in text
    single, code = run_compare([base / "0.json"], [new / "0.json", new / "1.json"])
    words = " ".join(single.split())  # long names of folders are wrapped
    assert (code, "(1 run," in words, "(2 runs," in words) == (1, True, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"this is not JSON"),
        (b"\xff\xfe", r"this is not JSON"),
        (b"[" * 100_000, r"this is not JSON"),
        (b"{}", r"this is not the result of a load test"),
        (b"[1]", r"this is not the result of a load test"),
        (b'{"achieved_rate": 1, "version": 2}', r"version 2 is not known here; update"),
        (b'{"achieved_rate": 1, "version": 1}', r"valid: Field required; measure again"),
    ],
)
def test_a_file_that_is_no_result_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"x.json: {message}") as error:
        read(path)
    assert "\n" not in str(error.value)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: No such file or directory"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match=r"no \*\.json in this folder"):
        files([tmp_path])


def test_a_run_is_not_compared_with_itself(sides: tuple[Path, Path]) -> None:
    base, _ = sides
    with pytest.raises(InputError, match=r"0\.json: this is on both sides"):
        run_compare([base], [base / "0.json"])


@pytest.mark.parametrize(
    ("metric", "tolerance", "message"),
    [("p42", 0.05, "--metric p42"), ("p95", -0.1, "--tolerance -0.1"), ("p95", math.nan, "nan")],
)
def test_bad_settings_are_refused(
    sides: tuple[Path, Path], metric: str, tolerance: float, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run_compare([sides[0]], [sides[1]], metric, tolerance)  # type: ignore[arg-type]


def test_the_json_format_is_the_document(sides: tuple[Path, Path]) -> None:
    text, _ = run_compare([sides[0]], [sides[1]], format="json")
    document = json.loads(text)
    assert document["endpoints"]["orders"]["verdict"] == "slower"
    assert document["passed"] is False
    jsonschema.validate(document, json.loads((SCHEMAS / "load-comparison.json").read_text()))


@pytest.mark.parametrize("name_of_format", formats.FORMATS)
def test_no_format_obeys_what_a_name_says(name_of_format: str) -> None:
    name = "a|b\x1b[31m\n::error::x <b>"
    found = compare(three({name: 10.0}), three({name: 13.0}, 10))
    text = formats.render(found, name_of_format)
    assert "\x1b" not in text
    assert not any(line.startswith("::error::x") for line in text.split("\n"))


def test_the_terminal_shows_what_was_compared_and_how_sure_it_is(
    sides: tuple[Path, Path],
) -> None:
    text, _ = run_compare([sides[0]], [sides[1]])
    first, *_ = lines = text.split("\n")
    assert first == "FAILED: 1 of 1 endpoint slower, as measured by more than 5 %"
    row = next(line.split() for line in lines if line.strip().startswith("orders"))
    assert row[1:5] == ["22.7", "ms", "29.5", "ms"]
    assert 1.28 < float(row[5]) < 1.32
    assert row[7] == "to"
    assert row[-3:] == ["SLOWER", "0", "%"]
    assert "noise measured from run to run; 95 % for all endpoints together" in " ".join(
        text.split()
    )


def test_github_has_an_error_for_each_endpoint_that_fails(sides: tuple[Path, Path]) -> None:
    text, _ = run_compare([sides[0]], [sides[1]], format="github")
    assert text.startswith("::error title=Load test compared%3A FAILED::orders: p95 22.7 ms")
    same, code = run_compare([sides[0]], [sides[0].parent / "new"], tolerance=2, format="github")
    assert (code, same.startswith("::notice ")) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "stdout", "stderr"),
    [
        (("base", "new"), 1, "FAILED: 1 of 1", ""),
        (("base/0.json", "base/1.json", "base/2.json", "--metric", "mean"), 0, "PASSED", ""),
        (("base", "missing.json"), 2, "", "missing.json: No such file or directory"),
        (("base", "invalid.json"), 3, "", "invalid.json: this run is INVALID"),
        (("base", "other-rate.json"), 3, "NOT COMPARABLE", ""),
    ],
)
def test_the_command_and_its_exit_codes(
    sides: tuple[Path, Path],
    arguments: tuple[str, ...],
    code: int,
    stdout: str,
    stderr: str,
) -> None:
    here = sides[0].parent
    invalid = measured(ORDERS, valid=False, invalid_reasons=["late"])
    (here / "invalid.json").write_text(invalid.model_dump_json())
    other = measured(ORDERS, rates=(200,) * 60)
    (here / "other-rate.json").write_text(other.model_dump_json())
    done = cli("load", "compare", *arguments, cwd=here)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1 if stderr else 0), done.stderr
    assert done.stdout.startswith(stdout)
    assert stderr in done.stderr
