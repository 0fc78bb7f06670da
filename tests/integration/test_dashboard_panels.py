# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dashboard_panels against real Prometheus servers: every outcome and every cause, made for real."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.checks import Check
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_model import read_dashboard
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_reader import DashboardReader, Settings
from ansible_collections.argolab.observability.plugins.module_utils.dashboard_sources import Found
from ansible_collections.argolab.observability.plugins.module_utils.http_client import HttpClient, parse_url
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import PrometheusClient
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_transport import UrlTransport

Run = Callable[..., dict[str, Any]]

VARIABLES = [
    {"name": "datasource", "type": "datasource", "query": "prometheus"},
    {"name": "job", "type": "query", "query": {"query": "label_values(up, job)", "refId": "x"}, "sort": 1,
     "multi": True, "includeAll": True, "current": {"value": "$__all"}},
    {"name": "one", "type": "query", "query": "label_values(up{job=~\"$job\"}, job)", "regex": "/(?<value>heal.*)/"},
    {"name": "none", "type": "query", "query": "label_values(no_such_metric, x)"},
    {"name": "named", "type": "query", "query": "query_result(up{job=\"healthy\"})", "regex": '/pod="([^"]+)"/'},
    {"name": "metric", "type": "query", "query": "metrics(up_for_.*)"},
]  # fmt: skip


def panel(number: int, title: str, *exprs: str, **more: Any) -> dict[str, Any]:
    instant = more.pop("instant", False)
    targets = [
        {"refId": chr(65 + index), "expr": expr, "instant": instant, "legendFormat": "{{job}}"}
        for index, expr in enumerate(exprs)
    ]
    source = {"type": "prometheus", "uid": "$datasource"}
    return {"id": number, "title": title, "type": "timeseries", "datasource": source, "targets": targets, **more}


def dashboard(*panels: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"uid": "test", "title": "Test", "templating": {"list": VARIABLES}, "panels": list(panels), **more}


GOOD = [
    panel(1, "all jobs", 'up{job=~"$job"}'),
    panel(2, "one job", 'up{job="$one"}'),
    panel(3, "a number", "count(up)", instant=True, type="stat"),
    panel(4, "a rate", "rate(prometheus_nothing[$__rate_interval]) or rate(up_for_real[1m])"),
    panel(5, "by pod", 'up{pod="$named"}'),
    panel(6, "by name", "$metric"),
    panel(7, "up of $job", 'up{job=~"$job"}', repeat="job"),
    {"id": 8, "title": "text", "type": "text"},
    panel(9, "half of it", "up", "no_such_metric"),
]

# title, expression, more of the panel, outcome, cause, words of the detail
BAD: list[tuple[str, str, dict[str, Any], str, str, str]] = [
    ("absent", "no_such_metric", {}, "no data", "metric_absent", "metric no_such_metric does not exist in the last 1m"),
    ("absent now", "no_such_metric", {"instant": True}, "no data", "metric_absent", "does not exist now"),
    ("similar", "up_for_reel", {}, "no data", "metric_absent", "The nearest name is up_for_real."),
    ("not recorded", "job:upp:sum", {}, "no data", "metric_absent", "but none that does is loaded"),
    ("wrong label", 'up{job=~".+", pod="b"}', {}, "no data", "labels_match_nothing", 'nothing: up{job=~".+"} has'),
    ("no label", 'up_for_real{zone="a"}', {}, "no data", "labels_match_nothing", "none of which has the label zone"),
    ("no variable", 'up{job="$none"}', {}, "no data", "variable_empty", "variable none has no value: label_values("),
    ("nan", 'up{job="refused"} / up{job="refused"}', {}, "no data", "no_traffic", "every sample is NaN"),
    ("compared", "up > 5", {}, "no data", "nothing_left", "a comparison leaves none"),
    ("short", "rate(up_for_real[100ms])", {}, "no data", "too_few_samples", "two samples"),
    ("no rate", "rate(up_for_real[10s]) > 5", {}, "no data", "no_traffic", "a comparison leaves none"),
    ("parse", "rate(up)", {}, "error", "query_error", "bad_data"),
    ("many", "up * on () up", {}, "error", "query_error", "execution"),
    ("unknown", 'up{job=$nobody}', {}, "error", "query_error", "no variable nobody"),
]  # fmt: skip


@pytest.fixture
def asked(prometheus: Any, run_module: Run, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(*models: Any, check: bool = False, **options: Any) -> dict[str, Any]:
        for number, model in enumerate(models):
            text = model if isinstance(model, str) else json.dumps(model)
            (tmp_path / f"board-{number}.json").write_text(text)
        given = {"url": prometheus.url, "range": "1m", "wait_timeout": 0, "files": [f"{tmp_path}/board-*.json"]}
        return run_module("dashboard_panels", check=check, **{**given, **options})

    wait_for_samples(prometheus)
    return run


def client_of(prometheus: Any) -> PrometheusClient:
    return PrometheusClient(UrlTransport(HttpClient(parse_url(prometheus.url, "url"), name="Prometheus")))


def wait_for_samples(prometheus: Any) -> None:
    client = client_of(prometheus)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if client.query('count_over_time(up{job="healthy"}[1m]) > 3 and on () up{job="refused"} == 0').samples:
            return
        time.sleep(0.2)
    pytest.fail("Prometheus has scraped nothing")


def by_title(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["name"].removeprefix("panel ").removesuffix(" of Test"): check for check in result["checks"]}


def test_panels_with_data(asked: Run, prometheus: Any, tmp_path: Path) -> None:
    plots = tmp_path / "plots.json"
    result = asked(dashboard(*GOOD), plots_path=str(plots))
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is False
    checks = by_title(result)
    assert checks["all jobs"]["observed"] != "1 series"
    assert checks["one job"]["observed"] == "1 series"
    assert checks["text"]["ok"] is None
    assert checks["half of it"]["detail"] == "Without data: 1 query B."
    assert checks["up of healthy"]["ok"] and checks["up of refused"]["ok"]
    (summary,) = result["dashboards"]
    assert (summary["empty"], summary["error"], summary["skipped"]) == (0, 0, 1)
    variables = {item["name"]: item["value"] for item in summary["variables"]}
    assert (variables["one"], variables["named"], variables["metric"]) == ("healthy", "a", "up_for_real")
    assert result["range"]["scrape_interval"] == 0.5
    assert result["hints"] == []
    content = json.loads(plots.read_text())
    drawn = {item["title"]: item for item in content["dashboards"][0]["panels"]}
    points = round((content["end"] - content["start"]) / content["step"]) + 1
    assert points <= 120
    assert len(drawn["one job"]["series"][0]["values"]) == points
    assert drawn["one job"]["series"][0]["name"] == "healthy"
    assert drawn["one job"]["series"][0]["values"][-1] == 1.0
    assert drawn["a number"]["series"][0]["values"][:-1] == [None] * (points - 1)
    assert result["plots_path"] == str(plots)


@pytest.mark.parametrize(
    ("title", "expr", "more", "observed", "cause", "words"), BAD, ids=[case[0].replace(" ", "-") for case in BAD]
)
def test_a_panel_without_data_fails_and_says_why(
    asked: Run, title: str, expr: str, more: dict[str, Any], observed: str, cause: str, words: str
) -> None:
    result = asked(dashboard(panel(1, title, expr, **more)))
    (check,) = result["checks"]
    assert result["failed"]
    assert (check["ok"], check["observed"], check["cause"]) == (False, observed, cause), check["detail"]
    assert words in check["detail"]
    assert check["subject"] == "test/1"
    assert check["next"].startswith("curl -sG http://127.0.0.1:")
    assert title in result["msg"]


def test_what_to_type_next_works(asked: Run) -> None:
    (check,) = asked(dashboard(panel(1, "x", 'up{job=~".+", pod="b"}')))["checks"]
    done = subprocess.run(shlex.split(check["next"]), capture_output=True, text=True, timeout=20, check=True)
    assert {item["metric"].get("pod") for item in json.loads(done.stdout)["data"]["result"]} >= {"a"}


def test_allowed_to_be_empty(asked: Run) -> None:
    board = dashboard(panel(1, "empty", "no_such_metric"), panel(2, "full", "up"))
    allowed = [{"dashboard": "T*", "panel": "empty", "reason": "nothing makes it"}, {"panel": "gone"}]
    result = asked(board, allowed_empty=allowed)
    assert not result.get("failed")
    checks = by_title(result)
    assert checks["empty"]["ok"] is None
    assert "nothing makes it" in checks["empty"]["detail"]
    assert "'gone'" in result["hints"][0]
    assert result["dashboards"][0]["allowed"] == 1


def test_a_panel_of_metrics_that_begin_with_an_event_is_not_due_before(asked: Run) -> None:
    board = dashboard(
        panel(1, "waits", "sum(rate(no_such_total[5m])) / sum(rate(no_such_count[5m]))"),
        panel(2, "wrong label", 'up{job="nowhere"}'),
        panel(3, "other metric", "not_there"),
    )
    result = asked(board, event_metrics=["no_such_*", "up"], wait_timeout=0)
    checks = by_title(result)
    assert (checks["waits"]["ok"], checks["waits"]["cause"]) == (None, "not_due")
    assert "no_such_total" in checks["waits"]["detail"]
    # its metric has begun: that nothing of it is here is a mistake
    assert (checks["wrong label"]["ok"], checks["wrong label"]["cause"]) == (False, "labels_match_nothing")
    assert checks["other metric"]["ok"] is False


def test_what_is_not_due_is_not_waited_for(asked: Run) -> None:
    board = dashboard(panel(1, "waits", "rate(no_such_total[5m])"))
    result = asked(board, event_metrics=["no_such_*"], wait_timeout=60)
    assert not result.get("failed")
    assert result["attempts"] == 1


def test_an_error_cannot_be_allowed_and_one_bad_dashboard_does_not_hide_the_others(asked: Run) -> None:
    result = asked(dashboard(panel(1, "bad", "rate(up)"), panel(2, "full", "up")), "{", allowed_empty=[{"panel": "*"}])
    checks = by_title(result)
    assert checks["bad"]["ok"] is False
    assert checks["full"]["ok"] is True
    (broken,) = [check for check in result["checks"] if check["cause"] == "dashboard_unreadable"]
    assert "not valid JSON" in broken["detail"]


def test_waiting_for_data_asks_only_for_what_is_missing(
    asked: Run, exporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[str] = []
    query = PrometheusClient.query
    ranged = PrometheusClient.query_range

    def counted(self: Any, expr: str, *rest: Any, **more: Any) -> Any:
        questions.append(expr)
        return query(self, expr, *rest, **more)

    def counted_range(self: Any, expr: str, *rest: Any, **more: Any) -> Any:
        questions.append(expr)
        return ranged(self, expr, *rest, **more)

    monkeypatch.setattr(PrometheusClient, "query", counted)
    monkeypatch.setattr(PrometheusClient, "query_range", counted_range)
    timer = threading.Timer(2, lambda: setattr(exporter, "series", 2))
    timer.start()
    try:
        late = panel(1, "late", 'switched_info{n="1"}', instant=True)
        result = asked(
            dashboard(late, panel(2, "full", "up"), panel(3, "again", "up")), wait_timeout=30, poll_interval=0.3
        )
    finally:
        timer.join()
    assert not result.get("failed"), result["msg"]
    assert result["attempts"] > 2
    assert questions.count("up") == 1
    assert questions.count('switched_info{n="1"}') == result["attempts"]


def test_check_mode_writes_nothing_and_an_old_file_does_not_survive_a_run(asked: Run, tmp_path: Path) -> None:
    plots = tmp_path / "plots.json"
    plots.write_text("old")
    assert "plots_path" not in asked(dashboard(*GOOD), check=True, plots_path=str(plots))
    assert plots.read_text() == "old"
    failed = asked(dashboard(*GOOD), url="http://127.0.0.1:1", plots_path=str(plots))
    assert failed["failed"]
    assert not plots.exists()


def test_a_plot_file_that_cannot_be_written_is_a_failure(asked: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = asked(dashboard(*GOOD), plots_path=str(tmp_path / "file" / "plots.json"))
    assert result["failed"]
    assert "plots_path" in result["msg"]


def test_reasons_are_added_to_the_checks_of_panels_and_to_no_others(asked: Run, prometheus: Any) -> None:
    board = read_dashboard(dashboard(panel(1, "empty", "no_such_metric"), panel(2, "full", "up")), "test")
    reader = DashboardReader(client_of(prometheus), lambda: Found([board]), Settings(60.0))
    checks = reader.poll().checks
    other = Check("stable", False, "the same", "lapsed")
    explained = reader.explain([*checks, other])
    assert [check.name for check in explained] == [*(check.name for check in checks), "stable"]
    assert explained[-1] is other
    assert "does not exist" in explained[0].detail
    assert "does not exist" not in checks[0].detail
    assert explained[1] == checks[1]


def test_as_a_part_of_the_verification(asked: Run, run_module: Run, prometheus: Any, tmp_path: Path) -> None:
    """M(verify) writes the plot file as well, and not in check mode."""
    asked(dashboard(*GOOD))
    plots = tmp_path / "plots.json"
    options = {"url": prometheus.url, "range": "1m", "files": [f"{tmp_path}/board-*.json"], "plots_path": str(plots)}
    parts = [{"module": "dashboard_panels", "title": "Dashboards", "options": options}]
    checked = run_module("verify", check=True, kubeconfig=None, parts=parts, wait_timeout=0)
    assert not checked.get("failed"), checked["msg"]
    assert not plots.exists()
    verified = run_module("verify", kubeconfig=None, parts=parts, wait_timeout=0)
    assert verified["groups"][0]["result"]["plots_path"] == str(plots)
    assert json.loads(plots.read_text())["schema"] == 1


def test_without_a_source_nothing_is_asked(run_module: Run) -> None:
    result = run_module("dashboard_panels", url="http://127.0.0.1:1", wait_timeout=0)
    assert "give files, config_maps" in result["msg"]


def test_files_that_are_not_there_are_said_at_once(asked: Run, tmp_path: Path) -> None:
    for path, words in ((f"{tmp_path}/none-*.json", "matches no file"), (str(tmp_path), "is a folder")):
        result = asked(files=[path])
        assert words in result["msg"]
        assert path in result["msg"]
        assert [check["ok"] for check in result["checks"]] == [False]


def test_a_prometheus_that_is_not_there(asked: Run) -> None:
    result = asked(dashboard(*GOOD), url="http://127.0.0.1:1")
    assert result["failed"]
    assert "connection refused" in result["msg"]
    assert [check["ok"] for check in result["checks"]] == [False]


FAULTS = [
    ("html", 200, b"<html>Log in</html>"),
    ("nothing", 200, b"{}"),
    ("no matrix", 200, b'{"status":"success","data":{"resultType":"vector","result":[]}}'),
    (
        "broken values",
        200,
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1]]}]}}',
    ),
    ("broken result", 200, b'{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"1"]]}]}}'),
    ("no text", 200, b'{"status":"success","data":[1]}'),
    ("refused", 403, b"no"),
    ("server error", 500, b"oops"),
    ("cut", 200, b'{"status":"success","data":{"resultType":"matrix","result":[{"metric"'),
]


@pytest.mark.parametrize(("status", "body"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_server_that_knows_the_time_and_nothing_else_never_passes(
    asked: Run, fault: Any, status: int, body: bytes
) -> None:
    clock = b'{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1700000000"]}}'

    def play(channel: socket.socket, request: Any, _ended: threading.Event) -> None:
        time_asked = "query=time" in request.line
        answer, code = (clock, 200) if time_asked else (body, status)
        head = f"HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nConnection: close\r\n"
        channel.sendall(f"{head}Content-Length: {len(answer)}\r\n\r\n".encode() + answer)

    result = asked(dashboard(*GOOD[:6]), url=fault(play).url, request_timeout=5)
    assert result["failed"]
    assert all(check["ok"] is False for check in result["checks"])
    assert {check["cause"] for check in result["checks"]} <= {
        "could_not_check",
        "query_error",
        "unknown",
        "variable_error",
    }


def clock_then(play: Callable[[socket.socket, threading.Event], None]) -> Any:
    """A server that knows the time, and then does what it likes."""
    clock = b'{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1700000000"]}}'

    def answer(channel: socket.socket, request: Any, ended: threading.Event) -> None:
        channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
        if "query=time" in request.line:
            channel.sendall(clock)
        else:
            play(channel, ended)

    return answer


def test_a_server_that_trickles_is_left_in_time(asked: Run, fault: Any) -> None:
    def trickle(channel: socket.socket, ended: threading.Event) -> None:
        while not ended.wait(0.05):
            channel.sendall(b" ")

    panels = [panel(number, str(number), f"x{number}") for number in range(40)]
    started = time.monotonic()
    result = asked(dashboard(*panels), url=fault(clock_then(trickle)).url, request_timeout=0.4)
    # eight at a time: forty queries, and what the variables ask
    assert time.monotonic() - started < 15
    assert {check["ok"] for check in result["checks"]} == {False}
    assert {check["cause"] for check in result["checks"]} <= {"could_not_check", "variable_error"}


def test_floods_at_the_same_time_are_bounded_together(asked: Run, fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    def flood(channel: socket.socket, ended: threading.Event) -> None:
        while not ended.is_set():
            channel.sendall(b"1," * 50_000)
            sent.append(100_000)

    # the same code with a smaller bound, so that the test does not need the memory of the real one
    monkeypatch.setitem(HttpClient.__init__.__kwdefaults__, "max_body", 16 * 1024 * 1024)
    board = dashboard(*(panel(number, str(number), f"x{number}") for number in range(8)), templating={"list": []})
    result = asked(board, url=fault(clock_then(flood)).url)
    assert all("sends more than 2 MiB" in check["detail"] for check in result["checks"])
    assert {check["ok"] for check in result["checks"]} == {False}


UPSTREAM = Path(__file__).resolve().parents[3] / "shared" / "upstream"


def upstream_dashboards() -> dict[str, str]:
    """The official Argo CD dashboard, and those in the rendered chart of kube-prometheus-stack."""
    import yaml

    argocd, stack = UPSTREAM / "argocd-dashboard.json", UPSTREAM / "rendered-kube-prometheus-stack.yaml"
    if not argocd.exists() or not stack.exists():
        pytest.skip(f"needs the dashboards in {UPSTREAM}, which are not there")
    found = {"argocd": argocd.read_text()}
    # the CRDs among the documents hold a value that PyYAML cannot read; the ConfigMaps do not
    for document in stack.read_text().split("\n---\n"):
        if "grafana_dashboard:" in document and "kind: ConfigMap" in document:
            found.update(yaml.safe_load(document)["data"])
    return found


def test_every_upstream_dashboard_is_read_and_asked_without_an_error(asked: Run) -> None:
    """Nothing that they ask for is in this Prometheus; but every query has to be one that it understands."""
    boards = upstream_dashboards()
    assert len(boards) > 20
    result = asked(*boards.values(), range="15m")
    assert len(result["dashboards"]) == len(boards)
    assert sum(item["queries"] for item in result["dashboards"]) > 400
    assert sum(item["error"] for item in result["dashboards"]) == 0, result["msg"]
    assert not [check for check in result["checks"] if check["cause"] in ("dashboard_unreadable", "variable_error")]
    assert all(check["cause"] for check in result["checks"] if check["ok"] is False)
    argocd = next(item for item in result["dashboards"] if item["uid"] == "LCAgc9rWz")
    assert argocd["panels"] == 44
    assert argocd["queries"] == 42


def test_mutated_upstream_dashboards_never_break_it(asked: Run) -> None:
    boards = upstream_dashboards()
    text = boards["argocd"]
    seed = int(os.environ.get("ARGOLAB_SEED", "7"))
    mutants = []
    for number in range(24):
        at = (number * 7919 + seed) * 131 % len(text)
        mutants += [text[:at], text[:at] + "null" + text[at:], text[:at] + text[at + 40 :]]
        for old, new in (
            ('"targets": [', '"targets": ["x", null, '),
            ('"expr": "', '"expr": "('),
            ('"type": "', '"type": "_'),
        ):
            place = text.find(old, at)
            if place >= 0:
                mutants.append(text[:place] + new + text[place + len(old) :])
    result = asked(*mutants[:40], range="15m")
    assert result["failed"]
    for check in result["checks"]:
        # this Prometheus has no metric of Argo CD
        assert check["ok"] is not True, check
