# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what a real AWX says of its own API, and how it answers to what is wrong, as the stand-in needs it.

C(python tests/integration/files/awx_facts.py http://127.0.0.1:8053 TOKEN > tests/integration/files/awx-24.6.1.json)

The fields are the answers to OPTIONS, without labels and help texts. The refusals are the answers to C(WRONG), each
sent to that AWX; nothing of them is kept there. It needs an organization C(Default).
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

KINDS = (
    "organizations", "projects", "inventories", "inventory_sources", "hosts", "groups", "credential_types",
    "credentials", "execution_environments", "notification_templates", "job_templates", "workflow_job_templates",
    "workflow_job_template_nodes", "unified_job_templates", "schedules",
)  # fmt: skip
KEPT = ("type", "required", "default", "max_length", "min_value", "max_value", "write_only", "email", "webhook")

HOOK = {"url": "https://hooks.example.it/x", "http_method": "POST", "headers": {}}
MAIL = {
    "host": "mail.example.it", "port": 25, "sender": "a@example.it", "recipients": ["b@example.it"], "username": "",
    "password": "", "use_tls": False, "use_ssl": False, "timeout": 30,
}  # fmt: skip
QUESTION = {"question_name": "Q", "variable": "v", "type": "integer", "required": False, "default": 1}


def question(**changes: Any) -> dict[str, Any]:
    asked = {**QUESTION, **changes}
    return {"name": "s", "description": "", "spec": [{key: value for key, value in asked.items() if value is not None}]}


def schedule(rrule: str) -> dict[str, Any]:
    return {"name": "wrong", "unified_job_template": "@job_templates", "rrule": rrule}


def notification(kind: str, configuration: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "wrong", "organization": "@organizations", "notification_type": kind,
        "notification_configuration": configuration,
    }  # fmt: skip


def template(**changes: Any) -> dict[str, Any]:
    return {"name": "wrong", "project": "@projects", "inventory": "@inventories", "playbook": "site.yml", **changes}


# What is sent, and is refused. "@KIND" stands for the number of an object that is made for it.
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("inventories", {"name": "wrong"}),
    ("inventories", {"name": "x" * 513, "organization": "@organizations"}),
    ("inventories", {"name": "wrong", "organization": "@organizations", "kind": "other"}),
    ("inventories", {"name": "wrong", "organization": 987654}),
    ("inventories", {"name": "wrong", "organization": "@organizations", "variables": "{: no"}),
    ("inventories", {"name": "made for this", "organization": "@organizations"}),
    ("projects", {"name": "wrong", "organization": "@organizations", "scm_type": "cvs"}),
    ("projects", {"name": "wrong", "organization": "@organizations", "scm_update_cache_timeout": -1}),
    ("projects", {"name": "wrong", "organization": "@organizations", "timeout": "soon"}),
    ("job_templates", template(name=None)),
    ("job_templates", template(job_type="dance")),
    ("job_templates", template(playbook="playbooks/nowhere.yml")),
    ("job_templates", template(survey_enabled="perhaps")),
    ("job_templates", template(forks=-1)),
    ("job_templates", template(extra_vars="{: no")),
    ("job_templates", {"name": "wrong", "playbook": "site.yml"}),
    ("credential_types", {"name": "wrong", "kind": "cloudy"}),
    ("credential_types", {"name": "wrong", "kind": "cloud", "inputs": {"fields": [{"id": "a"}]}}),
    ("credential_types", {"name": "wrong", "kind": "cloud", "injectors": {"extra_vars": {"a": "{{ b }}"}}}),
    ("credentials", {"name": "wrong", "organization": "@organizations", "credential_type": "@credential_types",
                     "inputs": {"nowhere": "x"}}),
    ("credentials", {"name": "wrong", "organization": "@organizations"}),
    ("notification_templates", notification("pigeon", {})),
    ("notification_templates", notification("webhook", {})),
    ("notification_templates", notification("webhook", {**HOOK, "headers": "none"})),
    ("notification_templates", notification("email", {**MAIL, "port": "smtp"})),
    ("notification_templates", notification("email", {**MAIL, "recipients": "b@example.it"})),
    ("schedules", schedule("RRULE:FREQ=DAILY;INTERVAL=1")),
    ("schedules", schedule("DTSTART:20260101T050000 RRULE:FREQ=DAILY;INTERVAL=1")),
    ("schedules", schedule("DTSTART:20260101T050000Z RRULE:FREQ=DAILY")),
    ("schedules", schedule("DTSTART:20260101T050000Z RRULE:FREQ=SECONDLY;INTERVAL=1")),
    ("schedules", schedule("DTSTART:20260101T050000Z RRULE:FREQ=OFTEN;INTERVAL=1")),
    ("schedules", schedule("DTSTART;TZID=Moon/Tycho:20260101T050000 RRULE:FREQ=DAILY;INTERVAL=1")),
    ("schedules", {"name": "wrong", "rrule": "DTSTART:20260101T050000Z RRULE:FREQ=DAILY;INTERVAL=1"}),
    ("job_templates/@job_templates/survey_spec", {}),
    ("job_templates/@job_templates/survey_spec", {"name": "s", "description": "", "spec": []}),
    ("job_templates/@job_templates/survey_spec", question(variable=None)),
    ("job_templates/@job_templates/survey_spec", question(type="number")),
    ("job_templates/@job_templates/survey_spec", question(required="no")),
    ("job_templates/@job_templates/survey_spec", question(default="1")),
    ("job_templates/@job_templates/survey_spec", question(min=0.5)),
    ("job_templates/@job_templates/survey_spec", question(type="multiplechoice", default="a")),
    ("job_templates/@job_templates/survey_spec", question(type="multiplechoice", default="c", choices=["a", "b"])),
    ("job_templates/@job_templates/survey_spec",
     {"name": "s", "description": "", "spec": [QUESTION, QUESTION]}),
]  # fmt: skip

# What is made for the above, in this order.
MADE: list[tuple[str, dict[str, Any]]] = [
    ("projects", {"name": "made for this", "organization": "@organizations", "scm_type": "git",
                  "scm_url": "https://git.example.it/x.git"}),
    ("inventories", {"name": "made for this", "organization": "@organizations"}),
    ("credential_types", {"name": "made for this", "kind": "cloud",
                          "inputs": {"fields": [{"id": "token", "label": "Token", "secret": True}]}}),
    ("job_templates", {**template(name="made for this"), "playbook": "site.yml"}),
]  # fmt: skip


class Api:
    """One AWX, by its address and a token."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address, token

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any, str]:
        """Status, what came back, and the allowed methods."""
        request = urllib.request.Request(
            self.address + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )  # fmt: skip
        try:
            answer = urllib.request.urlopen(request, timeout=120)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if text else None, answer.headers.get("Allow") or ""


def numbered(thing: Any, numbers: dict[str, int]) -> Any:
    """The same with the numbers of the objects that were made."""
    if isinstance(thing, dict):
        return {key: numbered(value, numbers) for key, value in thing.items() if value is not None}
    if isinstance(thing, str) and "@" in thing:
        for kind, number in numbers.items():
            if thing == f"@{kind}":
                return number
            thing = thing.replace(f"/@{kind}/", f"/{number}/")
    return thing


def refusals(api: Api, fetched: Any = None) -> list[dict[str, Any]]:
    """How it answers to each of C(WRONG): the status, and the fields that it finds fault with.

    C(fetched) is called with the project that was made; it returns once its playbooks are known.
    """
    _status, found, _allow = api.call("GET", "/api/v2/organizations/?name=Default")
    numbers = {"organizations": int(found["results"][0]["id"])}
    made: list[str] = []
    try:
        for kind, body in MADE:
            status, thing, _allow = api.call("POST", f"/api/v2/{kind}/", numbered(body, numbers))
            assert status == 201, (kind, thing)
            numbers[kind] = thing["id"]
            made.append(thing["url"])
            if kind == "projects" and fetched:
                fetched(thing)
        seen = []
        for path, body in WRONG:
            status, answer, _allow = api.call("POST", f"/api/v2/{numbered(path, numbers)}/", numbered(body, numbers))
            seen.append({"path": path, "body": body, "status": status, "fields": sorted(answer or {})})
        return seen
    finally:
        for url in reversed(made):
            api.call("DELETE", url)


def field(description: dict[str, Any]) -> dict[str, Any]:
    kept = {key: description[key] for key in KEPT if key in description and description[key] is not False}
    for kind in ("email", "webhook"):
        if kind in kept:
            kept[kind] = {
                name: {key: value for key, value in part.items() if key in ("type", "default")}
                for name, part in kept[kind].items()
            }
    if "default" in description:
        kept["default"] = description["default"]
    if "choices" in description:
        kept["choices"] = [choice[0] for choice in description["choices"]]
    return kept


def endpoints(api: Api) -> dict[str, Any]:
    """By kind: methods, what can be written, and what can only be read."""
    found = {}
    for kind in KINDS:
        _status, answer, allow = api.call("OPTIONS", f"/api/v2/{kind}/")
        write = {name: field(part) for name, part in answer["actions"].get("POST", {}).items()}
        found[kind] = {
            "methods": allow.split(", "),
            "write": write,
            "read": sorted(set(answer["actions"]["GET"]) - set(write)),
        }
    return found


def main() -> None:
    api = Api(*sys.argv[1:3])
    _status, ping, _allow = api.call("GET", "/api/v2/ping/")
    version = ping["version"]
    facts = {
        "origin": f"OPTIONS of AWX {version}, and its answers to wrong requests; written by awx_facts.py beside this",
        "version": version,
        "endpoints": endpoints(api),
        "refusals": refusals(api, wait_for_project(api)),
    }
    print(compact(facts))


def wait_for_project(api: Api) -> Any:
    import time

    def wait(project: dict[str, Any]) -> None:
        deadline = time.monotonic() + 120
        while api.call("GET", project["url"])[1]["status"] != "successful" and time.monotonic() < deadline:
            time.sleep(1)

    return wait


def compact(facts: dict[str, Any]) -> str:
    """JSON with one line for each field and each refusal."""
    lines = ["{"]
    lines += [f"{json.dumps(key)}: {json.dumps(facts[key])}," for key in ("origin", "version")]
    lines.append('"endpoints": {')
    kinds = list(facts["endpoints"].items())
    for number, (kind, facts_of) in enumerate(kinds):
        head = json.dumps({"methods": facts_of["methods"], "read": facts_of["read"]})[:-1]
        lines.append(f'{json.dumps(kind)}: {head}, "write": {{')
        fields = [f"  {json.dumps(name)}: {json.dumps(part)}" for name, part in facts_of["write"].items()]
        lines.append(",\n".join(fields) + "}}" + ("," if number + 1 < len(kinds) else "},"))
    lines.append('"refusals": [')
    lines.append(",\n".join(json.dumps(refusal) for refusal in facts["refusals"]))
    lines.append("]}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
