# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX 24.6.1 that is driven by the API description recorded from the real one (awx_facts.py).

It keeps objects in memory, answers the lookups and associations that the modules of awx.awx make, writes every call
down, and refuses with 400 what the description does not allow. In one thing it is stricter than AWX, which ignores
fields that it does not know: a field that is neither written nor read is refused here. Jobs are not run: a project is
fetched, and an inventory that was deleted is gone, once somebody has looked at it for some time.

It was held against the real one: the same run of awx/apply.yml left the same objects in both, field by field but for
the path of the project, and both refuse the same requests for the same fields.
"""

from __future__ import annotations

import contextlib
import json
import re
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import zoneinfo

FACTS = json.loads(Path(__file__).with_name("awx-24.6.1.json").read_text("utf-8"))
ENDPOINTS: dict[str, Any] = FACTS["endpoints"]
TYPES = {
    "organizations": "organization", "projects": "project", "inventories": "inventory",
    "inventory_sources": "inventory_source", "hosts": "host", "groups": "group", "credential_types": "credential_type",
    "credentials": "credential", "execution_environments": "execution_environment",
    "notification_templates": "notification_template", "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template", "workflow_job_template_nodes": "workflow_job_template_node",
    "schedules": "schedule", "workflow_approval_templates": "workflow_approval_template",
}  # fmt: skip
EVENTS = tuple(f"notification_templates_{event}" for event in ("started", "success", "error"))
LISTS = {
    "job_templates": {"credentials": "credentials", **dict.fromkeys(EVENTS, "notification_templates")},
    "workflow_job_templates": dict.fromkeys((*EVENTS, "notification_templates_approvals"), "notification_templates"),
    "workflow_job_template_nodes": dict.fromkeys(
        ("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"
    ),
    "groups": {"hosts": "hosts"},
}
# Field, kind that it refers to.
REFERENCES = {
    "organization": ("organizations",), "project": ("projects",), "source_project": ("projects",),
    "inventory": ("inventories",), "credential": ("credentials",), "credential_type": ("credential_types",),
    "execution_environment": ("execution_environments",), "default_environment": ("execution_environments",),
    "signature_validation_credential": ("credentials",), "webhook_credential": ("credentials",),
    "workflow_job_template": ("workflow_job_templates",),
    "unified_job_template": ("job_templates", "projects", "inventory_sources", "workflow_job_templates",
                             "workflow_approval_templates"),
}  # fmt: skip
UNIFIED = ("job_templates", "projects", "inventory_sources", "workflow_job_templates")
PARENTS = {"hosts": "inventory", "groups": "inventory", "inventory_sources": "inventory",
           "workflow_job_template_nodes": "workflow_job_template", "schedules": "unified_job_template"}  # fmt: skip
UNIQUE = {"credentials": ("organization", "name", "credential_type"), "credential_types": ("name", "kind"),
          "hosts": ("inventory", "name"), "groups": ("inventory", "name"), "inventory_sources": ("inventory", "name"),
          "workflow_job_template_nodes": ("workflow_job_template", "identifier"),
          "schedules": ("unified_job_template", "name"), "organizations": ("name",)}  # fmt: skip
QUESTIONS = {"text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int,
             "float": (int, float)}  # fmt: skip
CONFIGURED = {"string": str, "password": str, "int": int, "bool": bool, "list": list, "object": dict}
HIDDEN = "$encrypted$"

Faults = dict[str, Any]
Thing = dict[str, Any]


class Refused(Exception):
    """What the answer is, instead of an object."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(status, answer)
        self.status, self.answer = status, answer


def fault_of(value: Any, description: dict[str, Any]) -> str:
    """What is wrong with a value, or nothing."""
    kind = description["type"]
    if value is None or (value == "" and kind == "id"):
        return "" if not description.get("required") else "This field may not be null."
    if kind == "string":
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            return "Not a valid string."
        if "max_length" in description and len(str(value)) > description["max_length"]:
            return f"Ensure this field has no more than {description['max_length']} characters."
        return "This field may not be blank." if value == "" and description.get("required") else ""
    if kind == "boolean":
        return "" if value in (True, False, "true", "false", "True", "False") else "Must be a valid boolean."
    if kind == "choice":
        return "" if value in description["choices"] or value == "" else f'"{value}" is not a valid choice.'
    if kind in ("integer", "id"):
        if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
            return "A valid integer is required."
        low, high = description.get("min_value"), description.get("max_value")
        if (low is not None and int(value) < low) or (high is not None and int(value) > high):
            return "Out of range."
        return ""
    assert kind == "json", kind
    return ""


def text_fault(name: str, value: Any) -> str:
    """Variables are text, which has to be a mapping in JSON; those that are sent here always are JSON."""
    if name not in ("extra_vars", "variables") or value in ("", None):
        return ""
    try:
        return "" if isinstance(json.loads(value), dict) else "Input type is not a dictionary."
    except ValueError:
        return "Cannot parse as JSON."


def survey_fault(spec: Any) -> str:
    """The first thing that AWX would refuse in a survey."""
    for name, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(spec.get(name), kind):
            return f"Field '{name}' is missing from survey spec, or of another kind."
    if not spec["spec"]:
        return "'spec' doesn't contain any items."
    variables = set()
    for question in spec["spec"]:
        if not isinstance(question, dict):
            return "Survey question is not a json object."
        for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
            if not isinstance(question.get(name), kind):
                return f"'{name}' missing from survey question, or of another kind."
        if question["variable"] in variables:
            return "'variable' duplicated in survey question."
        variables.add(question["variable"])
        fault = question_fault(question)
        if fault:
            return fault
    return ""


def question_fault(question: dict[str, Any]) -> str:
    kind, default = question["type"], question.get("default", "")
    if kind not in QUESTIONS:
        return f"'{kind}' is not an allowed question type."
    if default != "" and not isinstance(default, QUESTIONS[kind]):
        return "Default value expected to be of another type."
    for name in ("min", "max"):
        if question.get(name) is not None and not isinstance(question[name], int):
            return f"The {name} limit expected to be integer."
    if kind in ("multiplechoice", "multiselect"):
        if "choices" not in question:
            return "Survey question must specify choices."
        if default and default not in question["choices"]:
            return "Default choice must be answered from the choices listed."
    return ""


def rule_faults(rule: str) -> list[str]:
    """What AWX refuses in the rule of a schedule; frequency and time zone stand for its parser."""
    faults = []
    starts = re.findall(r"DTSTART(;[^:]+)?:([0-9]+T[0-9]+Z?)", rule)
    rules = re.findall(r"RULE:(\S*)", rule)
    if len(starts) != 1:
        faults.append("Exactly one DTSTART is required.")
    elif not starts[0][0] and not starts[0][1].endswith("Z"):
        faults.append("DTSTART cannot be a naive datetime.")
    if not rules:
        faults.append("One or more rule required in rrule.")
    for one in rules:
        parts = dict(part.partition("=")[::2] for part in one.split(";"))
        if "INTERVAL" not in parts:
            faults.append("INTERVAL required in rrule.")
        if parts.get("FREQ") not in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"):
            faults.append("FREQ is not supported.")
        if re.match(r"\d", parts.get("BYDAY", "")):
            faults.append("BYDAY with numeric prefix not supported.")
        if ("COUNT" in parts and "UNTIL" in parts) or int(parts.get("COUNT") or 0) > 999:
            faults.append("COUNT not supported.")
    for zone, _start in starts:
        if zone.startswith(";TZID="):
            try:
                zoneinfo.ZoneInfo(zone[6:])
            except (zoneinfo.ZoneInfoNotFoundError, ValueError):
                faults.append("A valid TZID must be provided.")
    return faults


def configuration_faults(kind: str, configuration: dict[str, Any]) -> list[str]:
    """What is wrong in the configuration of a notification."""
    parts = ENDPOINTS["notification_templates"]["write"]["notification_configuration"][kind]
    required = [name for name, part in parts.items() if "default" not in part]
    faults = [f"Missing required field {name}." for name in required if name not in configuration]
    for name, value in configuration.items():
        wanted = CONFIGURED[parts[name]["type"]] if name in parts else object
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            faults.append(f"Configuration field '{name}' incorrect type.")
    return faults


def type_faults(body: Thing) -> Faults:
    """Fields and injectors of a credential type: each field has a label, and what is injected is a field."""
    faults: Faults = {}
    fields = (body.get("inputs") or {}).get("fields") or []
    if any(not {"id", "label"} <= set(part) for part in fields):
        faults["inputs"] = ["'label' is a required property"]
    known = {part.get("id") for part in fields} | {"tower"}
    for group in (body.get("injectors") or {}).values():
        for text in group.values():
            names = set(re.findall(r"\{\{\s*(\w+)", text))
            if names - known:
                faults["injectors"] = [f"{sorted(names - known)} undefined"]
    return faults


@dataclass
class Call:
    """One request, and what came of it."""

    method: str
    path: str
    body: Any
    status: int = 0
    answer: Any = field(default=None, repr=False)


class Awx(ThreadingHTTPServer):
    """Serve one AWX on a free port of the loopback."""

    daemon_threads = True

    def __init__(self, token: str, playbooks: list[str], fetch: str = "successful") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.token, self.playbooks, self.fetch = token, playbooks, fetch
        self.things: dict[str, dict[int, Thing]] = {kind: {} for kind in TYPES}
        self.lists: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[tuple[str, int], Thing] = {}
        self.secrets: dict[int, Thing] = {}
        self.calls: list[Call] = []
        self.number = 0
        self.page_size = 25
        self.put("organizations", {"name": "Default"})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    # objects

    def put(self, kind: str, given: Thing) -> Thing:
        """A new object with what is given, the description's defaults, and nothing checked."""
        self.number += 1
        thing: Thing = {"id": self.number, "type": TYPES[kind], "url": f"/api/v2/{kind}/{self.number}/"}
        for name, part in ENDPOINTS.get(kind, {"write": {}})["write"].items():
            if not part.get("write_only") and name not in ("user", "team"):
                thing[name] = part.get("default", "" if part["type"] in ("string", "choice") else None)
        if "managed" in ENDPOINTS.get(kind, {"read": ()})["read"]:
            thing["managed"] = False
        thing.update(given)
        self.things[kind][self.number] = thing
        if kind == "projects":
            thing["status"], thing["looks"] = ("pending" if thing.get("scm_type") else "ok"), 0
        return thing

    def shown(self, kind: str, thing: Thing) -> Thing:
        """As AWX gives it: with its addresses, and without secrets."""
        seen = {key: value for key, value in thing.items() if key != "looks"}
        url = thing["url"]
        related = {name: f"{url}{name}/" for name in LISTS.get(kind, {})}
        if kind in ("job_templates", "workflow_job_templates"):
            related["survey_spec"] = f"{url}survey_spec/"
        if kind == "projects":
            related["update"] = f"{url}update/"
        summary: Thing = {}
        for name in REFERENCES:
            other = self.find(REFERENCES[name], thing.get(name))
            if other:
                related[name] = other["url"]
                summary[name] = {"id": other["id"], "name": other.get("name", "")}
                if name == "unified_job_template":
                    summary[name]["unified_job_type"] = other["type"].replace("_template", "")
        return {**self.masked(kind, seen), "related": related, "summary_fields": summary}

    def masked(self, kind: str, seen: Thing) -> Thing:
        if kind == "credentials":
            fields = self.things["credential_types"][seen["credential_type"]]["inputs"].get("fields", [])
            secret = {part["id"] for part in fields if part.get("secret")}
            seen["inputs"] = {name: HIDDEN if name in secret else value for name, value in seen["inputs"].items()}
        if kind == "notification_templates":
            parts = ENDPOINTS[kind]["write"]["notification_configuration"][seen["notification_type"]]
            seen["notification_configuration"] = {
                name: HIDDEN if value and parts.get(name, {}).get("type") == "password" else value
                for name, value in seen["notification_configuration"].items()
            }
        return seen

    def find(self, kinds: tuple[str, ...], number: Any) -> Thing | None:
        for kind in kinds:
            with contextlib.suppress(TypeError, ValueError):
                if int(number) in self.things[kind]:
                    return self.things[kind][int(number)]
        return None

    def checked(self, kind: str, body: Any, before: Thing | None = None) -> Thing:
        """What of a request is written, with secrets that stay; refuses what the description does not allow."""
        write, read = ENDPOINTS[kind]["write"], ENDPOINTS[kind]["read"]
        faults: Faults = {name: ["Unknown field."] for name in body if name not in write and name not in read}
        given = {name: value for name, value in body.items() if name in write}
        for name, part in write.items():
            if name not in given:
                if part.get("required") and before is None:
                    faults[name] = ["This field is required."]
                continue
            fault = fault_of(given[name], part) or text_fault(name, given[name])
            if not fault and name in REFERENCES and part["type"] in ("id", "integer") and given[name] not in (None, ""):
                fault = "" if self.find(REFERENCES[name], given[name]) else "Invalid pk - object does not exist."
            if fault:
                faults[name] = [fault]
            elif part["type"] == "id" and given[name] not in (None, ""):
                given[name] = int(given[name])
        if not faults:
            faults = self.deeper(kind, {**(before or {}), **given}, before)
        if faults:
            raise Refused(400, faults)
        return self.kept_secrets(kind, given, before)

    def deeper(self, kind: str, whole: Thing, before: Thing | None) -> Faults:
        """What only the kinds themselves know."""
        if kind == "job_templates":
            project = self.find(("projects",), whole.get("project"))
            if not project:
                return {"project": ["Job Templates must have a project assigned."]}
            if whole.get("inventory") is None and not whole.get("ask_inventory_on_launch"):
                return {"inventory": ["Must either set a default value or ask to prompt on launch."]}
            if project["scm_type"] and (project["status"] != "successful" or whole["playbook"] not in self.playbooks):
                return {"playbook": ["Playbook not found for project."]}
        if kind == "credential_types":
            return type_faults(whole)
        if kind == "credentials":
            fields = self.things["credential_types"][whole["credential_type"]]["inputs"].get("fields", [])
            unknown = set(whole.get("inputs") or {}) - {part["id"] for part in fields}
            return {"inputs": [f"{sorted(unknown)} are not fields of the type."]} if unknown else {}
        if kind == "notification_templates":
            faults = configuration_faults(whole["notification_type"], whole.get("notification_configuration") or {})
            return {"__all__": faults} if faults else {}
        if kind == "schedules":
            faults = rule_faults(whole["rrule"])
            if faults:
                return {"rrule": faults}
            needed = self.needed(whole)
            return {"variables_needed_to_start": needed} if needed else {}
        keys = UNIQUE.get(kind, ("organization", "name"))
        for thing in self.things[kind].values():
            if thing is not before and all(thing.get(key) == whole.get(key) for key in keys):
                return {"__all__": [f"{TYPES[kind]} with this {' and '.join(keys)} already exists."]}
        return {}

    def needed(self, whole: Thing) -> list[str]:
        """Answers that a schedule would have to bring."""
        survey = self.surveys.get(("job_templates", whole["unified_job_template"]), {})
        missing = [part["variable"] for part in survey.get("spec", []) if part["required"]]
        return [name for name in missing if name not in (whole.get("extra_data") or {})]

    def kept_secrets(self, kind: str, given: Thing, before: Thing | None) -> Thing:
        for name in ("inputs", "notification_configuration"):
            if kind in ("credentials", "notification_templates") and before and name in given:
                given[name] = {
                    key: before[name].get(key) if value == HIDDEN else value for key, value in given[name].items()
                }
        return given

    def remove(self, kind: str, number: int) -> None:
        """The object, what belongs to it, and every mention of it."""
        gone = self.things[kind].pop(number)
        for child, name in PARENTS.items():
            # a node only names the workflow that it runs, and belongs to the one that it is part of
            if kind in REFERENCES[name]:
                for thing in [thing for thing in self.things[child].values() if thing.get(name) == number]:
                    self.remove(child, thing["id"])
        for key in [key for key in self.lists if key[:2] == (kind, number)]:
            del self.lists[key]
        for (other, _owner, name), members in self.lists.items():
            if LISTS[other][name] == kind and number in members:
                members.remove(number)
        self.surveys.pop((kind, number), None)
        if kind == "workflow_job_template_nodes":
            # an approval belongs to its node alone
            self.things["workflow_approval_templates"].pop(gone["unified_job_template"], None)
        for other in self.things.values():
            for thing in other.values():
                for name, kinds in REFERENCES.items():
                    if kind in kinds and thing.get(name) == gone["id"]:
                        thing[name] = None

    # requests

    def answer(self, call: Call) -> tuple[int, Any]:
        url = urllib.parse.urlsplit(call.path)
        parts = url.path.removeprefix("/api/v2/").strip("/").split("/")
        if not url.path.startswith("/api/v2/") or not url.path.endswith("/"):
            return 404, {"detail": "Not found."}
        if parts == ["me"]:
            return 200, {"count": 1, "results": [{"username": "admin"}], "next": None, "previous": None}
        kind = parts[0]
        if kind == "unified_job_templates" and len(parts) == 1 and call.method == "GET":
            return 200, self.listed(call.path, [(k, t) for k in UNIFIED for t in self.things[k].values()])
        if kind not in self.things:
            return 404, {"detail": "Not found."}
        if len(parts) == 1:
            return self.collection(kind, call)
        thing = self.find((kind,), parts[1])
        if thing is None:
            return 404, {"detail": "Not found."}
        if len(parts) == 2:
            return self.single(kind, thing, call)
        return self.inner(kind, thing, parts[2], call)

    def collection(self, kind: str, call: Call) -> tuple[int, Any]:
        if call.method == "GET":
            return 200, self.listed(call.path, [(kind, thing) for thing in self.things[kind].values()])
        if call.method not in ENDPOINTS.get(kind, {"methods": ()})["methods"]:
            return 405, {"detail": "Method not allowed."}
        given = self.checked(kind, call.body)
        for name in ("user", "team"):
            given.pop(name, None)
        if kind == "job_templates":
            given["organization"] = self.things["projects"][given["project"]]["organization"]
        return 201, self.shown(kind, self.put(kind, given))

    def single(self, kind: str, thing: Thing, call: Call) -> tuple[int, Any]:
        if call.method == "GET":
            self.look(kind, thing)
            answer = self.shown(kind, thing)
            if thing.get("pending_deletion"):
                self.remove(kind, thing["id"])
            return 200, answer
        if call.method == "PATCH":
            if kind == "workflow_approval_templates":
                thing.update(call.body)
            else:
                thing.update(self.checked(kind, call.body, thing))
            return 200, self.shown(kind, thing)
        if call.method == "DELETE":
            used = kind == "credential_types" and any(
                other["credential_type"] == thing["id"] for other in self.things["credentials"].values()
            )
            if used:
                return 403, {"detail": "Credential types that are in use cannot be deleted."}
            if kind == "inventories":
                thing["pending_deletion"] = True
                return 202, None
            self.remove(kind, thing["id"])
            return 204, None
        return 405, {"detail": "Method not allowed."}

    def look(self, kind: str, thing: Thing) -> None:
        """A project is fetched while it is looked at."""
        if kind == "projects" and thing["status"] in ("pending", "running"):
            thing["looks"] += 1
            thing["status"] = self.fetch if thing["looks"] > 2 else "running"

    def inner(self, kind: str, thing: Thing, name: str, call: Call) -> tuple[int, Any]:
        """Surveys, associations, approvals and updates."""
        if name == "survey_spec" and kind in ("job_templates", "workflow_job_templates"):
            if call.method == "GET":
                return 200, self.surveys.get((kind, thing["id"]), {})
            fault = survey_fault(call.body) if call.method == "POST" else ""
            if fault:
                return 400, {"error": fault}
            self.surveys[(kind, thing["id"])] = call.body if call.method == "POST" else {}
            return 200, None
        if name == "update" and kind == "projects" and call.method == "POST":
            thing["status"], thing["looks"] = "pending", 0
            return 202, {"id": 1, "status": "pending", "url": "/api/v2/project_updates/1/"}
        if name == "create_approval_template" and kind == "workflow_job_template_nodes" and call.method == "POST":
            if not call.body.get("name") or set(call.body) - {"name", "description", "timeout"}:
                return 400, {"name": ["This field is required."]}
            made = self.put("workflow_approval_templates", {"description": "", "timeout": 0, **call.body})
            thing["unified_job_template"] = made["id"]
            return 201, self.shown("workflow_approval_templates", made)
        other = LISTS.get(kind, {}).get(name)
        if other is None:
            return 404, {"detail": "Not found."}
        members = self.lists.setdefault((kind, thing["id"], name), [])
        if call.method == "GET":
            return 200, self.listed(call.path, [(other, self.things[other][number]) for number in members])
        return self.associate(other, members, call)

    def associate(self, other: str, members: list[int], call: Call) -> tuple[int, Any]:
        member = self.find((other,), call.body.get("id"))
        if call.method != "POST" or member is None or set(call.body) - {"id", "disassociate"}:
            return 400, {"id": ["Invalid."]}
        number = member["id"]
        if call.body.get("disassociate"):
            if number in members:
                members.remove(number)
        elif number not in members:
            members.append(number)
        return 204, None

    def listed(self, path: str, things: list[tuple[str, Thing]]) -> Any:
        """One page of what the filters leave."""
        url = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        size, page = int(query.pop("page_size", self.page_size)), int(query.pop("page", 1))
        either = {name[4:]: query.pop(name) for name in list(query) if name.startswith("or__")}
        for kind, thing in things:
            self.look(kind, thing)
        kept = [
            self.shown(kind, thing)
            for kind, thing in things
            if all(self.matches(thing, name, value) for name, value in query.items())
            and (not either or any(self.matches(thing, name, value) for name, value in either.items()))
        ]
        start = (page - 1) * size
        following = urllib.parse.urlencode({**query, "page_size": size, "page": page + 1})
        return {
            "count": len(kept), "previous": None, "results": kept[start : start + size],
            "next": f"{url.path}?{following}" if start + size < len(kept) else None,
        }  # fmt: skip

    def matches(self, thing: Thing, name: str, value: str) -> bool:
        """One filter: FIELD, FIELD__in, FIELD__FIELD of what it refers to. Another one is refused, as by AWX."""
        first, _sep, rest = name.partition("__")
        if first == "managed":
            return value == "false"
        if first not in (*thing, "organization", "type"):
            raise Refused(403, {"detail": f"Invalid field {name}."})
        if rest and rest != "in":
            other = self.find(REFERENCES[first], thing.get(first))
            return other is not None and self.matches(other, rest, value)
        return str(thing.get(first)) in (value.split(",") if rest else [value])


class Handler(BaseHTTPRequestHandler):
    server: Awx

    def handle_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        call = Call(self.command, self.path, json.loads(text) if text else None)
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            call.status, call.answer = 401, {"detail": "Authentication credentials were not provided."}
        else:
            try:
                call.status, call.answer = self.server.answer(call)
            except Refused as refused:
                call.status, call.answer = refused.status, refused.answer
        self.server.calls.append(call)
        body = b"" if call.answer is None else json.dumps(call.answer).encode()
        self.send_response(call.status)
        for name, value in (("Product-Name", "AWX"), ("Product-Version", FACTS["version"])):
            self.send_header(f"X-API-{name}", value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_one

    def log_message(self, format: str, *args: Any) -> None: ...
