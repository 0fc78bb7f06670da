# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.argolab.observability.plugins.module_utils.limits import FORMS, option_problems

# For each form, what fits and what does not. The tests of the roles' options take their bad values from here.
SAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "text": (["any text", "x"], [" ", "\n"]),
    "word": (["argolab.observability"], ["two words", "a\tb"]),
    "kube_name": (["argocd", "a.b-c", "1a"], ["Argo", "a_b", "-a", "a-", "a..b", "a" * 64]),
    "namespace": (["monitoring"], ["a.b", "Monitoring", "a b", "x" * 64]),
    "namespaced_name": (["monitoring/argocd-rules"], ["argocd-rules", "a/b/c", "/b"]),
    "role_name": (["argolab-build", "argocd/argolab-build"], ["Role", "a/b/c", "a/", "/a", "a b"]),
    "cluster_name": (["argolab", "a1-b"], ["1a", "Lab", "a" * 33, "lab_1", "lab-"]),
    "host_name": (["example.it", "localhost"], ["a b", "-x.it", "http://example.it", "example.it.", "Example.it"]),
    "ip_address": (["127.0.0.1", "::1"], ["localhost", "256.0.0.1", "127.0.0.1:80"]),
    "subnet": (["172.29.0.0/16", "fd00::/64"], ["172.29.0.1/16", "172.29", "10.0.0.0/33"]),
    "url": (
        ["https://example.it/charts", "http://127.0.0.1:8080"],
        ["example.it", "ftp://x", "https://u:p@example.it", "http://"],
    ),
    "git_url": (
        ["https://example.it/x.git", "git@example.it:team/x.git", "ssh://git@x/y"],
        ["x.git", "a b", "example.it"],
    ),
    "docker_address": (
        ["unix:///run/docker.sock", "tcp://127.0.0.1:2375"],
        ["/run/docker.sock", "tcp://host", "unix://run"],
    ),
    "commit": (["0" * 40], ["main", "0" * 39, "G" * 40]),
    "duration": (["30s", "1m30s", "100ms"], ["30", "soon", "1 m", "-1s"]),
    "memory": (["512m", "4g", "1024"], ["4 GB", "much", "0g", "-1g"]),
    "version": (["v1.2.3", "10.1.1", "v3.0.0-rc.1"], ["latest", "v", "1..2"]),
    "image": (
        ["argolab/node:v1", "redis", "registry:5000/a/b:1@sha256:" + "a" * 64],
        ["Redis", "a b", "a:", "docker.io//x", "x@sha256:12"],
    ),
    "api_kind": (["monitoring.coreos.com/v1/ServiceMonitor"], ["ServiceMonitor", "apps/v1", "a/v1/kind"]),
    "ulimit": (["nofile=65536:65536", "core=-1"], ["nofile", "nofile=many"]),
    "host_alias": (["10.0.0.1:a.it,b.it", "fd00::1:a.it"], ["a.it", "10.0.0.1:a b"]),
    "module_version": (["v0.37.2", "v1.2.3-0.20260626114624-be93311217bd", "v2.0.0+incompatible"], ["latest", "1.2.3"]),
    "go_sum": (["h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="], ["h1:x", "sha256:1"]),
    "label": (["grafana_dashboard", "app.kubernetes.io/name"], ["a b", "/name", "a/b/c", "-x"]),
    "label_value": (["1", "default", "a.b_c"], ["a b", "-x", "x" * 64, "a/b"]),
    "service_port": (["prometheus-operated:9090", "https:prom:web"], ["prometheus", "a:b:c", "prom:", ":9090"]),
    "path_prefix": (["/prometheus", "/a/b/"], ["prometheus", "/a b", "//"]),
    "inner_path": (["guestbook", "a/b", "..a/b"], ["/guestbook", "../x", "a/../b", "a b"]),
    "marker": (["argolab.observability", "lab-2_x"], ["two words", "a/b", "a\nb"]),
    "metric_label": (["team", "app.kubernetes.io/name"], ["9x", "a b"]),
    "debian_name": (["docker.io", "trixie", "libstdc++6"], ["Docker", "a b", "-x"]),
    "node": (["server:0", "agent:12"], ["server", "master:0", "agent:x"]),
    "volume": (["/a:/b", "/a:/b:ro@server:*", "data:/b@all"], ["/a:/b:ro:x", "/a b:/c", ":/b"]),
    "environment": (["A=b", "A=b@server:0", "MAIL=a@b.it", "A="], ["=b", "9A=b", "A B=c", "A"]),
    "runtime_label": (["a.b/c=d@server:0", "a=b", "a="], ["=b", "a b=c", "a", "a=b=c"]),
    "subject_name": (["k3d.example.it", "10.0.0.1", "fe80::1", "*.example.it"], ["a b", "-a", "a_b"]),
    "registry": (["k3d-cache", "k3d-cache:5000", "https://cache.example.it:5000"], ["a/b", "a:port", "a b"]),
    "token": (["abc.DEF:1"], ["two words", "a$b", "x" * 257]),
    "program_argument": (["--tls-san=x@server:*", "-v"], ["tls-san=x", "--", "---x"]),
}


def test_every_form_has_samples() -> None:
    assert set(SAMPLES) == set(FORMS)


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, (good, _bad) in SAMPLES.items() for text in good])
def test_a_good_text_fits(form: str, text: str) -> None:
    assert option_problems({"x": text}, {"x": {"type": "str"}}, {"x": {"form": form}}) == []


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, (_good, bad) in SAMPLES.items() for text in bad])
def test_a_bad_text_is_shown_with_what_was_expected(form: str, text: str) -> None:
    (problem,) = option_problems({"x": text}, {"x": {"type": "str"}}, {"x": {"form": form}})
    assert problem.startswith("x is ")
    assert problem.endswith(f"expected {FORMS[form].expected}.")


NUMBERS: list[tuple[dict[str, Any], Any, str]] = [
    ({"minimum": 1, "maximum": 65535}, 0, "x is 0; expected a whole number from 1 to 65535."),
    ({"minimum": 1, "maximum": 65535}, 70000, "x is 70000; expected a whole number from 1 to 65535."),
    ({"minimum": 0}, -1, "x is -1; expected a whole number, 0 or more."),
    ({"above": 0}, 0, "x is 0; expected a whole number greater than 0."),
    ({"minimum": 0}, float("nan"), "x is nan; expected a whole number, 0 or more."),
    ({"minimum": 0}, float("inf"), "x is inf; expected a whole number, 0 or more."),
    ({"minimum": 0}, "soon", "x is 'soon'; expected a whole number, 0 or more."),
]


@pytest.mark.parametrize(("limit", "value", "message"), NUMBERS)
def test_a_number_out_of_range(limit: dict[str, Any], value: Any, message: str) -> None:
    assert option_problems({"x": value}, {"x": {"type": "int"}}, {"x": limit}) == [message]


@pytest.mark.parametrize("value", [1, "1", 65535])
def test_a_number_in_range(value: Any) -> None:
    assert option_problems({"x": value}, {"x": {"type": "int"}}, {"x": {"minimum": 1, "maximum": 65535}}) == []


EMPTY: list[tuple[str, Any]] = [("str", ""), ("str", "  "), ("path", ""), ("list", []), ("dict", {})]


@pytest.mark.parametrize(("kind", "value"), EMPTY)
def test_empty_is_refused_unless_it_means_something(kind: str, value: Any) -> None:
    (problem,) = option_problems({"x": value}, {"x": {"type": kind}}, {})
    assert problem.startswith("x is empty; expected a ")
    assert option_problems({"x": value}, {"x": {"type": kind}}, {"x": {"empty_ok": True}}) == []
    assert option_problems({"x": value}, {"x": {"type": kind, "default": value}}, {}) == []


def test_each_entry_of_a_list_is_looked_at() -> None:
    spec = {"x": {"type": "list", "elements": "str"}}
    limits = {"x": {"form": "host_name"}}
    assert option_problems({"x": [""]}, {"x": {**spec["x"], "default": []}}, {"x": {"empty_ok": True}})
    assert [problem.split(" is ")[0] for problem in option_problems({"x": ["a.it", "B", ""]}, spec, limits)] == [
        "x[1]",
        "x[2]",
    ]


def test_suboptions_have_limits_of_their_own() -> None:
    spec = {"x": {"type": "list", "elements": "dict", "options": {"port": {"type": "int"}, "on": {"type": "bool"}}}}
    limits = {"x": {"options": {"port": {"minimum": 1}}}}
    assert option_problems({"x": [{"port": 1}, {"port": 0, "on": False}]}, spec, limits) == [
        "x[1].port is 0; expected a whole number, 1 or more."
    ]
    mapping = {"x": {"type": "dict", "options": {"port": {"type": "int"}}}}
    assert option_problems({"x": {"port": 0}}, mapping, limits) == ["x.port is 0; expected a whole number, 1 or more."]


def test_a_secret_is_not_shown() -> None:
    (problem,) = option_problems({"x": "s3 cret"}, {"x": {"type": "str", "no_log": True}}, {"x": {"form": "word"}})
    assert problem == "x is not right; expected one word without spaces."


def test_a_long_value_is_cut() -> None:
    (problem,) = option_problems({"x": "a b" * 1000}, {"x": {"type": "str"}}, {"x": {"form": "word"}})
    assert len(problem) < 150


def test_absent_options_and_choices_are_the_specs_matter() -> None:
    spec = {"x": {"type": "str"}, "y": {"type": "str", "choices": ["a"]}, "z": {"type": "bool"}}
    assert option_problems({"x": None, "y": "b", "z": False}, spec, {}) == []


def test_a_limit_for_no_option_is_the_callers_mistake() -> None:
    with pytest.raises(KeyError, match="limits for what is no option: y"):
        option_problems({"x": "a"}, {"x": {"type": "str"}}, {"y": {}})


def test_the_form_of_a_mapping_without_suboptions_is_that_of_each_value() -> None:
    spec, limits = {"x": {"type": "dict"}}, {"x": {"form": "module_version"}}
    assert option_problems({"x": {"k8s.io/api": "v0.37.2", "y": "v2.0.0+incompatible"}}, spec, limits) == []
    assert option_problems({"x": {"k8s.io/api": "latest"}}, spec, limits) == [
        "x.k8s.io/api is 'latest'; expected a version of a Go module, such as v1.2.3."
    ]
    assert option_problems({"x": {}}, spec, limits) == ["x is empty; expected a mapping with at least one key."]
