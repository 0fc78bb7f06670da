# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""evidence: verdict, summary, the published schema, JUnit as its consumers read it, and the files."""

from __future__ import annotations

import builtins
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import junitparser
import pytest
from ansible_collections.argolab.observability.plugins.module_utils.evidence import (
    artifact,
    gather,
    summary,
    summary_line,
)
from ansible_collections.argolab.observability.plugins.module_utils.evidence_junit import junit
from ansible_collections.argolab.observability.plugins.module_utils.evidence_page import page
from ansible_collections.argolab.observability.plugins.modules import evidence
from ansible_collections.argolab.observability.tests.unit.plugins.fake_cluster import run_module
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads((ROOT / "docs" / "evidence.schema.json").read_text(encoding="utf-8"))
WHEN = "2026-01-01T00:00:00Z"

POOL = "serviceMonitor/argocd/argocd-server/0"


def check(name: str, ok: bool | None, **more: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "expected": "good", "observed": "good" if ok else "bad", "detail": "", **more}


def group(kind: str, *checks: dict[str, Any], **result: Any) -> dict[str, Any]:
    return {"kind": kind, "title": kind.title(), "result": {"checks": list(checks), **result}}


def verdict(*groups: dict[str, Any]) -> str:
    return str(gather(groups, {}, "2026-01-01T00:00:00Z")["verdict"])


def test_verdicts() -> None:
    good, bad, pending = check("a", True), check("b", False), check("c", None)
    assert verdict(group("x", good)) == "passed"
    assert verdict(group("x", good, pending)) == "passed"
    assert verdict(group("x", good, bad)) == "failed"
    assert verdict(group("x", good), group("y")) == "incomplete"
    assert verdict(group("x", pending)) == "incomplete"
    assert verdict() == "incomplete"
    assert verdict(group("x", good), {"kind": "y", "title": "Y", "skip": "switched off"}) == "passed"


@pytest.mark.parametrize("result", [{"msg": "kubeconfig /x does not exist"}, {"msg": "MODULE FAILURE", "failed": True}])
def test_a_module_that_gave_no_checks_never_passes(result: dict[str, Any]) -> None:
    seen = gather([group("x", check("a", True)), {"kind": "y", "title": "Y", "result": result}], {}, "")
    assert (seen["verdict"], seen["failures"][0]["detail"]) == ("failed", result["msg"])


def test_failures_of_one_reason_are_told_once() -> None:
    chain = check(
        f"scrape chain {POOL}", False, subject=POOL, detail="the selector matches no Service", next="kubectl get x"
    )
    seen = gather([group("targets", check(f"target {POOL}", False)), group("scrape_chain", chain)], {}, "")
    text = summary(seen)
    assert text.splitlines()[0] == "Verification failed: 0 checks passed, 2 failed."
    assert "2. " not in text
    assert text.index("the selector matches no Service") < text.index(f"Also: target {POOL}")


def test_an_unreachable_cluster_is_one_incident() -> None:
    silent = {"observed": "no answer", "detail": "refused"}
    first = check("look", False, cause="cluster_unreachable", next="kubectl get --raw /readyz", **silent)
    seen = gather([group("cluster", first), group("rules", check("group argocd", False, **silent))], {}, "")
    assert "2. " not in summary(seen)


def test_a_stopped_k3d_cluster_is_told_how_to_start() -> None:
    first = check("look", False, cause="cluster_unreachable", observed="no answer", detail="refused", next="kubectl x")
    cluster = {"provider": "k3d", "context": "k3d-argolab", "kubeconfig": "/x"}
    assert "Next: k3d cluster start argolab" in summary(gather([group("cluster", first)], cluster, ""))


def test_pending_and_skipped_are_named_and_do_not_count_as_passed() -> None:
    skipped = check("Grafana", None, observed="skipped", detail="Grafana is off") | {"observed": "skipped"}
    seen = gather([group("x", check("a", True), check("slow rule", None), skipped)], {}, "")
    assert seen["counts"] == {"passed": 1, "failed": 0, "pending": 1, "skipped": 1, "total": 3}
    assert summary_line(seen) == "Verification passed: 1 check passed, 1 pending, 1 skipped."
    assert "Skipped: Grafana: Grafana is off" in summary(seen)
    assert "slow rule" in summary(seen)


def test_a_run_that_ended_early_is_a_failure_with_its_reason() -> None:
    failure = {"task": "Install Argo CD", "reason": "no chart\nhelm says: 404", "next": "ansible-playbook site.yml"}
    seen = gather([group("x", check("a", True)), {"kind": "run", "title": "Run", "failure": failure}], {}, WHEN)
    assert (seen["verdict"], seen["counts"]["passed"]) == ("failed", 1)
    assert seen["failures"][0] == {
        "kind": "run", "name": "Install Argo CD", "expected": "no failure", "observed": "no chart",
        "detail": "helm says: 404", "cause": "task_failed", "next": "ansible-playbook site.yml", "subject": "",
    }  # fmt: skip
    valid(seen)


@pytest.mark.parametrize(
    ("reason", "observed", "detail"),
    [
        ("", "no reason was given", ""),
        ("refused.", "refused", ""),
        ("Validation failed:\na is no int\nb is no int", "Validation failed: a is no int", "b is no int"),
        ("x" * 5000, "x" * 297 + "...", "x" * 3997 + "..."),
    ],
)
def test_a_reason_is_told_short_and_whole(reason: str, observed: str, detail: str) -> None:
    seen = gather([{"kind": "run", "title": "Run", "failure": {"task": "t", "reason": reason}}], {}, WHEN)
    assert (seen["failures"][0]["observed"], seen["failures"][0]["detail"]) == (observed, detail)


def test_the_artifact_is_short_and_names_the_files() -> None:
    failed = [check(f"c{number}", False, next=f"do {number}", cause="absent") for number in range(30)]
    seen = gather([group("x", check("a", True), *failed)], {}, WHEN)
    kept = artifact(seen, ["/e/index.html", "/e/evidence.json", "/e/junit.xml"])
    assert [kept[key] for key in ("verdict", "passed", "failed", "skipped", "pending")] == ["failed", 1, 30, 0, 0]
    assert len(kept["failures"]) == 20
    assert kept["failures"][0] == {"name": "c0", "cause": "absent", "observed": "bad", "next": "do 0"}
    assert kept["files"] == {"html": "/e/index.html", "json": "/e/evidence.json", "junit": "/e/junit.xml"}


def test_the_page_is_named_where_there_is_one() -> None:
    seen = gather([group("x", check("a", True))], {}, WHEN)
    assert summary(seen, "/lab/evidence/index.html").endswith("open in a browser: /lab/evidence/index.html")
    assert "browser" not in summary(seen)


# --- evidence.json ---------------------------------------------------------------------------------------------------


def valid(seen: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(seen)))


def test_the_schema_is_one_and_refuses_what_is_no_evidence() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    good = gather([group("x", check("a", False))], {}, WHEN)
    valid(good)
    for key in SCHEMA["$defs"]["one_cluster"]["required"]:
        with pytest.raises(jsonschema.ValidationError):
            valid({name: value for name, value in good.items() if name != key})
    for wrong in ({"schema": 2}, {"verdict": "fine"}, {"generated": "yesterday"}, {"counts": {}}, {"extra": 1}):
        with pytest.raises(jsonschema.ValidationError):
            valid({**good, **wrong})


def test_the_schema_says_what_every_field_means() -> None:
    def undescribed(node: Any, path: str) -> list[str]:
        found = []
        for name, child in node.get("properties", {}).items():
            counted = path.endswith(("counts", "verdicts")) or "$ref" in child or name == "checks"
            found += [] if counted or child.get("description") else [f"{path}.{name}"]
            found += undescribed(child, f"{path}.{name}") + undescribed(child.get("items", {}), f"{path}.{name}")
        return found

    assert [path for name, one in SCHEMA["$defs"].items() for path in undescribed(one, name)] == []
    assert all(one["description"] for one in [SCHEMA, *SCHEMA["$defs"].values()])


TEXT = st.text(max_size=30) | st.sampled_from(["\ud800", "\x00", "]]>", "</script>", "\u2028"])
CHECK = st.fixed_dictionaries(
    {"name": TEXT, "ok": st.sampled_from([True, False, None])},
    optional=dict.fromkeys(("expected", "observed", "detail", "cause", "next", "subject"), TEXT),
)
RESULT = st.fixed_dictionaries(
    {}, optional={"checks": st.lists(CHECK, max_size=4), "msg": TEXT, "waited": st.floats(0, 1e6)}
)
GROUPS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["targets", "rules"]), "title": TEXT}, optional={"result": RESULT, "skip": TEXT}
    ),
    max_size=4,
)


@given(groups=GROUPS, context=TEXT)
def test_whatever_modules_return_the_evidence_follows_its_schema_and_is_valid_xml(
    groups: list[dict[str, Any]], context: str
) -> None:
    seen = gather(groups, {"context": context, "nodes": [context]}, WHEN)
    valid(seen)
    json.dumps(seen, ensure_ascii=False).encode("utf-8")
    root = ElementTree.fromstring(junit(seen).encode("utf-8"))
    assert len(root.findall(".//testcase")) == seen["counts"]["total"]
    failed = [entry for group in seen["groups"] for entry in group["checks"] if entry["state"] == "failed"]
    assert (seen["verdict"] == "failed") == bool(failed)


# --- junit.xml -------------------------------------------------------------------------------------------------------


def test_junit_survives_everything_that_a_scrape_error_can_hold() -> None:
    nasty = 'a < b & "c" ]]> \x00\x1b[31m \ud800 \ufffe \u20ac \U0001f600'
    failed = check(nasty, False, detail=nasty, next="x", cause="\x0bcause")
    seen = gather([{"kind": "targets", "title": "T", "result": {"checks": [failed, check("ok", True)]}}], {}, WHEN)
    text = junit(seen)
    root = ElementTree.fromstring(text)
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert root.find(".//failure") is not None
    assert not set(text) & set("\x00\x0b\x1b\ud800\ufffe")
    assert "\u20ac \U0001f600" in text


def test_junit_as_a_consumer_reads_it(tmp_path: Path) -> None:
    failed = check("twice", False, detail="why", next="kubectl get x", cause="absent")
    skipped = check("off", None, detail="Grafana is off") | {"observed": "skipped"}
    seen = gather(
        [group("x", check("twice", True), failed, skipped, waited=1.5), group("y", check("late", None), waited=0)],
        {},
        WHEN,
    )
    (tmp_path / "junit.xml").write_text(junit(seen), encoding="utf-8")
    suites = junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suites.tests, suites.failures, suites.errors, suites.skipped, suites.time) == (4, 1, 0, 2, 1.5)
    first, second = list(suites)
    assert (first.name, first.tests, first.failures, first.skipped, first.time) == ("x", 3, 1, 1, 1.5)
    assert (second.name, second.tests, second.skipped) == ("y", 1, 1)
    cases = list(first)
    # A consumer knows a case by class and name, so two of the same would be one.
    assert [(case.classname, case.name) for case in cases] == [("x", "twice"), ("x", "twice (2)"), ("x", "off")]
    assert cases[0].is_passed and cases[1].is_failure and cases[2].is_skipped
    failure = cases[1].result[0]
    assert (failure.type, failure.message) == ("absent", "expected good, seen bad")
    assert failure.text.splitlines()[1:] == ["Why: why", "Next: kubectl get x"]
    assert cases[2].result[0].message == "skipped: Grafana is off"


def test_names_in_junit_never_meet() -> None:
    seen = gather([group("x", check("a", True), check("a (2)", True), check("a", True))], {}, WHEN)
    names = [case.get("name") for case in ElementTree.fromstring(junit(seen)).iter("testcase")]
    assert names == ["a", "a (2)", "a (3)"]


# --- the files -------------------------------------------------------------------------------------------------------


def test_files_are_written_and_not_in_check_mode(tmp_path: Path) -> None:
    groups = [group("x", check("a", False, detail="why", next="do this"))]
    folder = tmp_path / "new" / "evidence"
    assert run_module(evidence, check_mode=True, groups=groups, path=str(folder))["files"] == []
    assert not folder.exists()
    result = run_module(evidence, groups=groups, path=str(folder), cluster={"context": "k3d-argolab"})
    assert (result["verdict"], result["changed"]) == ("failed", False)
    content = json.loads((folder / "evidence.json").read_text(encoding="utf-8"))
    valid(content)
    assert (content["schema"], content["cluster"]["context"]) == (1, "k3d-argolab")
    assert content["failures"][0]["next"] == "do this"
    names = ["index.html", "evidence.json", "junit.xml"]
    assert result["files"] == [str(folder / name) for name in names]
    assert sorted(os.listdir(folder)) == sorted(names)
    assert str(folder / "index.html") in result["summary"]


def test_texts_that_no_encoding_can_carry_can_be_written() -> None:
    seen = gather([group("x", check("a\udcff", False))], {"a\udcff": "\ud800"}, WHEN)
    for text in (page(seen), json.dumps(seen, ensure_ascii=False), junit(seen), summary(seen)):
        text.encode("utf-8")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "a mapping with a list of dashboards"),
        ('{"schema": 7, "dashboards": []}', "its schema is '7'"),
        ('{"schema": 1, "start": 0, "step": 0, "dashboards": []}', "start and step"),
        ('{"schema": 1, "start": "now", "step": 1, "dashboards": []}', "start and step"),
    ],
)
def test_plots_that_cannot_be_used_do_not_cost_the_evidence(tmp_path: Path, content: str | None, said: str) -> None:
    plots = tmp_path / "plots.json"
    if content is not None:
        plots.write_text(content, encoding="utf-8")
    result = run_module(evidence, groups=[group("x", check("a", True))], path=str(tmp_path / "e"), plots=[str(plots)])
    assert result["verdict"] == "passed"
    assert said in result["plot_problems"][0]
    assert said.split("'")[0] in (tmp_path / "e" / "index.html").read_text(encoding="utf-8")


def test_without_the_plotting_library_the_page_lists_the_panels_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = {
        "title": "Sync",
        "outcome": "data",
        "queries": [{"expr": "up"}],
        "series": [{"name": "a", "values": [1, 2]}],
    }
    content = {"schema": 1, "start": 0, "step": 15, "dashboards": [{"title": "Argo", "panels": [panel]}]}
    (tmp_path / "plots.json").write_text(json.dumps(content), encoding="utf-8")
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "plotly":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    run_module(
        evidence, groups=[group("x", check("a", True))], path=str(tmp_path / "e"), plots=[str(tmp_path / "plots.json")]
    )
    written = (tmp_path / "e" / "index.html").read_text(encoding="utf-8")
    assert "Sync" in written and "python3 -m pip install plotly" in written
    assert len(written) < 60_000
