# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleet_evidence: a cluster is never lost and never passes by being lost; the schema, JUnit and the page of many."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import junitparser
import pytest
from ansible_collections.argolab.observability.plugins.module_utils.evidence import artifact, gather
from ansible_collections.argolab.observability.plugins.module_utils.evidence_fleet import (
    artifacts,
    fleet_incidents,
    fleet_line,
    fleet_summary,
    merge,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_fleet_page import fleet_page
from ansible_collections.argolab.observability.plugins.module_utils.evidence_junit import fleet_junit
from ansible_collections.argolab.observability.plugins.modules import evidence, fleet_evidence
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import run_module
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads((ROOT / "docs" / "evidence.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
WHEN = "2026-01-01T00:00:00Z"


def check(name: str, ok: bool | None, **more: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "expected": "good", "observed": "good" if ok else "bad", **more}


def one(name: str, *checks: dict[str, Any], cluster: Any = None, kind: str = "targets") -> dict[str, Any]:
    """A cluster as the module evidence gives it."""
    groups = [{"kind": kind, "title": kind.title(), "result": {"checks": list(checks), "waited": 1.5}}]
    return {"name": name, "evidence": gather(groups, cluster or {"context": name}, WHEN)}


def valid(fleet: dict[str, Any]) -> dict[str, Any]:
    VALIDATOR.validate(json.loads(json.dumps(fleet)))
    return fleet


def merged(hosts: list[str], *clusters: dict[str, Any]) -> dict[str, Any]:
    return valid(merge(hosts, clusters, WHEN, "ansible-playbook verify.yml --limit {host}")[0])


GOOD, LATER = check("a", True), check("c", None)
BAD = check("b", False, detail="why", next="kubectl get x", cause="absent")


# --- the verdict, and that nobody is lost ----------------------------------------------------------------------------


def test_verdicts() -> None:
    a, b = one("a", GOOD), one("b", GOOD)
    assert merged(["a", "b"], a, b)["verdict"] == "passed"
    assert merged(["a", "b"], a, one("b", GOOD, BAD))["verdict"] == "failed"
    assert merged(["a", "b"], a, one("b", LATER))["verdict"] == "incomplete"
    assert merged(["a", "b", "c"], a, one("b", LATER), one("c", BAD))["verdict"] == "failed"
    assert merged([])["verdict"] == "incomplete"


def test_a_cluster_of_which_there_is_nothing_has_failed_and_says_what_to_type() -> None:
    fleet, absent = merge(["a", "b"], [one("a", GOOD)], WHEN, "ansible-playbook verify.yml --limit {host}")
    valid(fleet)
    assert (fleet["verdict"], absent) == ("failed", ["b"])
    assert [(one["name"], one["verdict"]) for one in fleet["clusters"]] == [("a", "passed"), ("b", "failed")]
    failure = fleet["failures"][0]
    assert (failure["cluster"], failure["cause"]) == ("b", "not_verified")
    assert failure["observed"] == "no evidence of this cluster"
    assert failure["next"] == "ansible-playbook verify.yml --limit b"
    assert artifacts(fleet, absent) == {"b": artifact(fleet["clusters"][1]["evidence"], [])}


def test_a_cluster_that_was_not_asked_for_is_not_hidden() -> None:
    assert [cluster["name"] for cluster in merged(["a"], one("a", GOOD), one("z", BAD))["clusters"]] == ["a", "z"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 7}, "its schema is '7'"),
        ({"groups": None}, "no list of groups"),
        ({"cluster": "x"}, "no list of groups, or no cluster"),
        ({"groups": ["x"]}, "has not the right form"),
        ({"groups": [{"kind": "x", "checks": [{"name": "a", "state": "fine"}]}]}, "has not the right form"),
        ({"generated": "yesterday"}, "when it was made"),
    ],
)
def test_evidence_that_is_none_counts_as_none_and_says_why(change: dict[str, Any], said: str) -> None:
    given = one("a", GOOD)
    given["evidence"].update(change)
    fleet = merged(["a"], given)
    assert fleet["verdict"] == "failed"
    assert said in fleet["failures"][0]["detail"]


def test_a_verdict_is_found_from_the_checks_and_not_believed() -> None:
    lie = one("a", GOOD, BAD)
    lie["evidence"].update(verdict="passed", failures=[], counts={"passed": 9, "failed": 0})
    fleet = merged(["a"], lie)
    assert (fleet["verdict"], fleet["counts"]["failed"], fleet["counts"]["passed"]) == ("failed", 1, 1)


TEXT = st.text(max_size=20) | st.sampled_from(["\ud800", "\x00", "]]>", "</script>", "\u2028"])
CHECK = st.fixed_dictionaries(
    {"name": TEXT, "ok": st.sampled_from([True, False, None])},
    optional=dict.fromkeys(("expected", "observed", "detail", "cause", "next", "subject"), TEXT),
)
MODULE_GROUP = st.fixed_dictionaries(
    {"kind": st.sampled_from(["targets", "rules"]), "title": TEXT},
    optional={
        "result": st.fixed_dictionaries({}, optional={"checks": st.lists(CHECK, max_size=3), "msg": TEXT}),
        "skip": TEXT,
        "failure": st.fixed_dictionaries({"task": TEXT, "reason": TEXT}),
    },
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("schema", "groups", "cluster", "generated", "verdict", "counts", "failures")
WRITTEN = st.builds(
    lambda groups, facts: gather(groups, facts, WHEN),
    st.lists(MODULE_GROUP, max_size=3),
    st.dictionaries(st.sampled_from(["context", "nodes", "kubeconfig", "other"]), JSON, max_size=3),
)
ODD = st.builds(
    lambda base, more: {**base, **more}, WRITTEN, st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=2)
)
HOSTS = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True)


@given(hosts=HOSTS, documents=st.lists(WRITTEN | ODD | st.dictionaries(TEXT, JSON, max_size=2), max_size=4))
def test_whatever_the_clusters_gave_nobody_is_lost_and_nobody_passes_without_proof(
    hosts: list[str], documents: list[dict[str, Any]]
) -> None:
    clusters = [{"name": name, "evidence": document} for name, document in zip("abcd", documents)]
    fleet, absent = merge(hosts, clusters, WHEN)
    valid(fleet)
    json.dumps(fleet, ensure_ascii=False).encode("utf-8")
    seen = {cluster["name"]: cluster for cluster in fleet["clusters"]}
    assert set(hosts) <= set(seen)
    given = {cluster["name"] for cluster in clusters}
    assert set(hosts) - given <= set(absent)
    for name, cluster in seen.items():
        states = [entry["state"] for group in cluster["evidence"]["groups"] for entry in group["checks"]]
        assert cluster["verdict"] != "passed" or (name not in absent and "passed" in states and "failed" not in states)
    assert (fleet["verdict"] == "passed") == all(cluster["verdict"] == "passed" for cluster in fleet["clusters"])
    assert fleet["verdicts"]["total"] == len(seen)
    root = ElementTree.fromstring(fleet_junit(fleet).encode("utf-8"))
    assert len(root.findall(".//testcase")) == fleet["counts"]["total"]
    assert len(root.findall("./testsuite")) == len(seen)
    HTMLParser().feed(fleet_page(fleet, {}))
    fleet_summary(fleet)


# --- what is told ----------------------------------------------------------------------------------------------------


def test_one_reason_on_many_clusters_is_told_once() -> None:
    fleet = merged(["a", "b", "c"], one("a", BAD), one("b", GOOD, BAD), one("c", check("other", False)))
    found = fleet_incidents(fleet)
    assert [[entry["cluster"] for entry in entries] for entries in found] == [["a", "b"], ["c"]]
    text = fleet_summary(fleet, "/x/index.html")
    assert text.splitlines()[0] == fleet_line(fleet) == "Verification of 3 clusters failed: 3 failed."
    assert "1. b, on a, b: seen bad." in text and "Next: kubectl get x" in text
    assert text.endswith("All clusters, to open in a browser: /x/index.html")


def test_runs_that_ended_for_different_reasons_are_not_one_reason() -> None:
    def ended(name: str, reason: str) -> dict[str, Any]:
        failure = {"task": "Ask the cluster", "reason": reason}
        return {"name": name, "evidence": gather([{"kind": "run", "title": "Run", "failure": failure}], {}, WHEN)}

    fleet = merged(["a", "b", "c"], ended("a", "refused"), ended("b", "no such file"), ended("c", "refused"))
    assert [[entry["cluster"] for entry in entries] for entries in fleet_incidents(fleet)] == [["a", "c"], ["b"]]


def test_the_page_has_every_cluster_every_reason_and_commands_that_find_the_cluster() -> None:
    hosts = [f"prod-{number}" for number in range(4)]
    clusters = [one(hosts[0], GOOD), one(hosts[1], GOOD, BAD, cluster={"kubeconfig": "/k/a b"}), one(hosts[2], BAD)]
    text = fleet_page(merged(hosts, *clusters), {hosts[1]: "../prod-1/evidence/index.html"})
    for name in hosts:
        assert f'<a href="#cluster-{hosts.index(name)}">{name}</a>' in text
    assert "KUBECONFIG=&#x27;/k/a b&#x27; kubectl get x" in text
    assert 'href="../prod-1/evidence/index.html"' in text
    assert "The same on 1 more cluster" in text
    assert "no evidence of this cluster" in text


def test_the_size_of_the_page_is_bounded_and_what_is_left_out_is_said() -> None:
    hosts = [f"c{number}" for number in range(100)]
    checks = [check(f"rule {number}", True) for number in range(1000)] + [check("bad", False)]
    fleet = merge(hosts, [one(name, *checks) for name in hosts], WHEN)[0]
    text = fleet_page(fleet, {"c1": "../c1/index.html"})
    assert fleet["counts"]["total"] == 100_100
    assert text.count("<tr data-state=") == 6000
    assert text.count('<tr data-state="failed"') == 100
    assert "Not shown here: 941 passed. They are in evidence.json." in text
    assert 'Not shown here: 941 passed. They are on <a href="../c1/index.html">its own page</a>.' in text
    assert len(text) < 4_000_000


HOSTILE = """<script>window.pwned=1</script>" onmouseover="window.pwned=1" '><img src=x onerror=pwned> ${x} ]]>"""


def test_nothing_that_comes_from_a_cluster_is_html() -> None:
    texts = ("name", "expected", "observed", "detail", "cause", "next", "subject")
    bad = {**dict.fromkeys(texts, HOSTILE), "ok": False}
    given = one(HOSTILE, bad, cluster={"context": HOSTILE, HOSTILE: [HOSTILE]})
    fleet = merge([HOSTILE, "x"], [given], WHEN, HOSTILE)[0]
    text = fleet_page(valid(fleet), {HOSTILE: HOSTILE})
    assert "<script>window" not in text and "<img" not in text and '" onmouseover="' not in text
    ElementTree.fromstring(fleet_junit(fleet).encode("utf-8"))


def test_junit_has_a_suite_for_each_cluster_with_the_suites_of_its_parts(tmp_path: Path) -> None:
    fleet = merged(["a", "b"], one("a", GOOD, LATER), one("b", BAD, kind="rules"))
    (tmp_path / "junit.xml").write_text(fleet_junit(fleet), encoding="utf-8")
    suites = junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suites.tests, suites.failures, suites.errors, suites.skipped, suites.time) == (3, 1, 0, 1, 3.0)
    first, second = list(suites)
    assert [(suite.name, suite.tests, suite.failures, suite.skipped) for suite in (first, second)] == [
        ("a", 2, 0, 1),
        ("b", 1, 1, 0),
    ]
    (inner,) = second.testsuites()
    assert [(case.classname, case.name) for case in inner] == [("b.rules", "b")]
    assert next(iter(inner)).result[0].type == "absent"


# --- the module ------------------------------------------------------------------------------------------------------


def test_the_module_takes_what_evidence_returned_and_writes_three_files(tmp_path: Path) -> None:
    def seen(name: str, *checks: dict[str, Any], path: Path | None = None) -> Any:
        groups = [{"kind": "targets", "title": "Targets", "result": {"checks": list(checks)}}]
        more = {"path": str(path)} if path else {}
        return run_module(evidence, groups=groups, fleet_name=name, cluster={"context": name}, **more)["fleet_entry"]

    clusters = [seen("a", GOOD, path=tmp_path / "a b"), seen("b", BAD)]
    folder = tmp_path / "evidence"
    options = {"hosts": ["a", "b", "c"], "clusters": clusters, "path": str(folder), "next": "verify {host}"}
    assert run_module(fleet_evidence, check_mode=True, **options)["files"] == []
    assert not folder.exists()
    result = run_module(fleet_evidence, **options)
    assert (result["verdict"], result["changed"], result["absent"]) == ("failed", False, ["c"])
    assert result["verdicts"] == {"passed": 1, "incomplete": 0, "failed": 2, "total": 3}
    assert result["artifacts"]["c"]["failures"][0]["next"] == "verify c"
    assert result["files"] == [str(folder / name) for name in ("index.html", "evidence.json", "junit.xml")]
    valid(json.loads((folder / "evidence.json").read_text(encoding="utf-8")))
    page = (folder / "index.html").read_text(encoding="utf-8")
    # A link is there only where the page is.
    assert 'href="../a%20b/index.html"' in page and "> of b<" not in page


def test_documents_of_one_cluster_stay_valid_and_versions_are_told_apart() -> None:
    single, many = one("a", GOOD)["evidence"], merged(["a"], one("a", GOOD))
    VALIDATOR.validate(single)
    for wrong in ({**single, "schema": 2}, {**many, "schema": 1}, {**many, "extra": 1}, {**many, "schema": 3}):
        with pytest.raises(jsonschema.ValidationError):
            VALIDATOR.validate(wrong)
    for key in SCHEMA["$defs"]["many_clusters"]["required"]:
        with pytest.raises(jsonschema.ValidationError):
            VALIDATOR.validate({name: value for name, value in many.items() if name != key})
