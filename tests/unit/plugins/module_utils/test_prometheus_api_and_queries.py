# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import math
from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.errors import (
    ArgolabError,
    DefiniteError,
    TransientError,
)
from ansible_collections.argolab.observability.plugins.module_utils.http_client import (
    Answer,
    decode_json,
    is_loopback,
    parse_host_header,
    parse_proxy,
    parse_url,
    proxy_for,
)
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_api import (
    PrometheusClient,
    parse_time,
)
from ansible_collections.argolab.observability.plugins.module_utils.prometheus_transport import service_proxy_path
from ansible_collections.argolab.observability.plugins.module_utils.query_checks import (
    Comparison,
    QueryExpectation,
    check_query,
    query_expectations,
    watch_queries,
)
from hypothesis import given, settings
from hypothesis import strategies as st


class FakeTransport:
    name = description = "Prometheus at fake"
    through_api_server = False

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(self, path: str, params: Any) -> Answer:
        self.asked.append((path, dict(params)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        status, content = answer if isinstance(answer, tuple) else (200, {"status": "success", "data": answer})
        return Answer(status, {}, content if isinstance(content, bytes) else json.dumps(content).encode())

    def redact(self, text: str) -> str:
        return text

    def set_end(self, end: float | None) -> None: ...


def client(*answers: Any) -> tuple[PrometheusClient, FakeTransport]:
    transport = FakeTransport(*answers)
    return PrometheusClient(transport), transport


def vector(*values: str) -> dict[str, Any]:
    result = [{"metric": {"__name__": "m", "n": str(n)}, "value": [1, value]} for n, value in enumerate(values)]
    return {"resultType": "vector", "result": result}


def group(name: str) -> dict[str, Any]:
    return {"name": name, "file": "/f", "interval": 1, "rules": []}


def test_rules_follow_their_pages() -> None:
    prometheus, transport = client({"groups": [group("a")], "groupNextToken": "t"}, {"groups": [group("b")]})
    assert [item["name"] for item in prometheus.rules(group_limit=1)] == ["a", "b"]
    assert [query.get("group_next_token") for _path, query in transport.asked] == [None, "t"]


def test_pages_without_an_end_are_left() -> None:
    prometheus, _transport = client({"groups": [group("a")], "groupNextToken": "t"})
    with pytest.raises(DefiniteError, match="without an end"):
        prometheus.rules(group_limit=1)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [],
        {"groups": None},
        {"groups": [1]},
        {"groups": [{"rules": []}]},
        {"groups": [{"name": "a", "rules": 1}]},
    ],
)
def test_rules_of_another_shape_are_refused(data: Any) -> None:
    with pytest.raises(DefiniteError, match="not Prometheus's"):
        client(data)[0].rules()


def test_alerts_and_rules_may_be_null() -> None:
    assert client({"groups": [{"name": "a", "rules": None}]})[0].rules()[0]["rules"] == []


def test_scrape_pools_of_an_old_server_are_unknown() -> None:
    error = {"status": "error", "errorType": "not_found", "error": "x"}
    assert client((404, error))[0].scrape_pools() is None
    with pytest.raises(DefiniteError):
        client({"scrapePools": [1]})[0].scrape_pools()


def test_ready() -> None:
    assert client((200, b"Ready."))[0].ready() is True
    assert client((503, b"Not Ready"))[0].ready() is False
    with pytest.raises(DefiniteError):
        client((401, b""))[0].ready()


@pytest.mark.parametrize(
    "data",
    [
        {"resultType": "vector", "result": [{"metric": {}}]},
        {"resultType": "vector", "result": [{"metric": [], "value": [1, "1"]}]},
        {"resultType": "vector", "result": [{"metric": {}, "value": [1, "one"]}]},
        {"resultType": "vector", "result": 1},
        {"resultType": "scalar", "result": [1]},
        {"resultType": "table", "result": []},
        {"result": []},
        None,
    ],
)
def test_answers_to_queries_of_another_shape_are_refused(data: Any) -> None:
    with pytest.raises(DefiniteError, match="not Prometheus's"):
        client(data)[0].query("up")


@pytest.mark.parametrize(("kind", "result"), [("matrix", []), ("string", [1, "a"])])
def test_other_kinds_of_answers_are_named(kind: str, result: Any) -> None:
    with pytest.raises(DefiniteError, match=f"gives a {kind}"):
        client({"resultType": kind, "result": result})[0].query("x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T17:45:11.145055574Z", "2026-11-22T17:45:11.145055+00:00"),
        ("2026-11-22T17:45:11Z", "2026-11-22T17:45:11+00:00"),
        ("2026-11-22T17:45:11.5+02:00", "2026-11-22T15:45:11.500000+00:00"),
        ("0001-01-01T00:00:00Z", None),
        ("2026-13-22T17:45:11Z", None),
        ("yesterday", None),
        (5, None),
    ],
)
def test_times(text: Any, expected: str | None) -> None:
    moment = parse_time(text)
    assert (moment.isoformat() if moment else None) == expected


def test_services() -> None:
    start = "/api/v1/namespaces/monitoring/services/"
    assert service_proxy_path("monitoring", "a:9090") == f"{start}http:a:9090/proxy"
    assert service_proxy_path("monitoring", "https:a:web") == f"{start}https:a:web/proxy"
    for service in ("", "a", "a:", "ftp:a:1", "a:1:2", "a/b:1", "A:1"):
        with pytest.raises(DefiniteError, match="name:port"):
            service_proxy_path("monitoring", service)


def test_urls() -> None:
    assert str(parse_url("https://Prometheus.example.it:443/a/", "url")) == "https://prometheus.example.it/a"
    assert parse_url("http://[::1]:9090", "url").origin == "http://[::1]:9090"
    assert parse_host_header("A.example.it:80") == ("a.example.it", 80)
    assert parse_host_header("[::1]") == ("::1", None)
    assert [is_loopback(name) for name in ("127.9.9.9", "::1", "localhost", "example.it")] == [True, True, True, False]


def test_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    url = parse_url("https://a.example.it", "url")
    assert proxy_for(url) is None
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert proxy_for(url) == "http://proxy:3128"
    assert proxy_for(parse_url("https://127.0.0.1", "url")) is None
    monkeypatch.setenv("no_proxy", ".example.it")
    assert proxy_for(url) is None
    parsed = parse_proxy("user:p%40ss@proxy:3128")
    assert parsed is not None
    assert (parsed.name, parsed.headers) == ("proxy:3128", {"Proxy-Authorization": "Basic dXNlcjpwQHNz"})
    with pytest.raises(DefiniteError, match="socks5"):
        parse_proxy("socks5://proxy:1080")


@pytest.mark.parametrize("cut", range(1, 40))
def test_json_that_ends_too_early_may_be_whole_the_next_time(cut: int) -> None:
    whole = json.dumps({"status": "success", "data": {"a": [1, "b", None]}}).encode()
    with pytest.raises(TransientError, match="only part"):
        decode_json(Answer(200, {}, whole[:cut]), "x")


def judge(expectation: QueryExpectation, *values: str) -> Any:
    return check_query(expectation, client(vector(*values))[0].query("m"))


def test_series_are_counted_and_compared() -> None:
    assert judge(QueryExpectation("q", "m"), "0").ok
    assert judge(QueryExpectation("q", "m")).ok is False
    assert judge(QueryExpectation("q", "m", 0, 0)).ok
    assert judge(QueryExpectation("q", "m", 0, 0), "1").ok is False
    assert judge(QueryExpectation("q", "m", 1, 1), "1", "1").ok is False
    check = judge(QueryExpectation("q", "m", value=Comparison(">=", 1)), "1", "0", "NaN")
    assert check.ok is False
    assert check.observed == "3 series, 2 of them not >= 1"
    assert 'm{n="1"} = 0' in check.detail and 'n="0"' not in check.detail
    assert judge(QueryExpectation("q", "m", value=Comparison("!=", 1)), "NaN").ok is False
    assert judge(QueryExpectation("q", "m", value=Comparison(">", 1)), "+Inf").ok


@pytest.mark.parametrize(("text", "number"), [(">= 1", 1.0), ("==-2.5", -2.5), (" < 1e3 ", 1000.0), ("!= .5", 0.5)])
def test_comparisons(text: str, number: float) -> None:
    (expectation,) = query_expectations([{"expr": "up", "value": text}])
    assert expectation.value is not None and expectation.value.number == number


def test_the_name_is_the_expression_by_default() -> None:
    (expectation,) = query_expectations([{"expr": " up ", "max_series": 0}])
    assert (expectation.name, expectation.min_series, expectation.expected) == ("up", 0, "no series")


@pytest.mark.parametrize(("status", "kind"), [(400, DefiniteError), (422, TransientError), (503, TransientError)])
def test_an_error_names_its_query(status: int, kind: type[Exception]) -> None:
    prometheus, _transport = client((status, {"status": "error", "errorType": "e", "error": "why"}))
    with pytest.raises(kind, match=r"query q \(m\): .*e: why"):
        watch_queries(prometheus, [QueryExpectation("q", "m")])()


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.sampled_from([200, 301, 400, 404, 422, 500, 999])
)
def test_any_bytes_are_an_error_or_a_failed_check(body: bytes, status: int) -> None:
    prometheus, _transport = client((status, body))
    try:
        poll = watch_queries(prometheus, [QueryExpectation("q", "m")])()
    except ArgolabError:
        return
    assert not poll.ok


@given(st.floats())
def test_nan_proves_nothing(value: float) -> None:
    for symbol in ("==", "!=", ">", "<", ">=", "<="):
        if math.isnan(value):
            assert not Comparison(symbol, 1.0).holds(value)
