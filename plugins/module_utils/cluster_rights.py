# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an account has the rights of a manifest's Roles, asked of the API server before they are needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Mapping, Protocol

from ansible_collections.argolab.observability.plugins.module_utils.checks import count_text, listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import DefiniteError
from ansible_collections.argolab.observability.plugins.module_utils.explained import ExplainedCheck
from ansible_collections.argolab.observability.plugins.module_utils.selectors import name_of, namespace_of

Rule = Mapping[str, Any]
API = "/apis/authorization.k8s.io/v1"
# Where no Role is: what holds here holds in the whole cluster. It does not have to exist.
NOWHERE = "argolab-no-namespace"
SHOWN = 12


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one kind of object.

    :param namespace: empty for the whole cluster.
    :param resource: plural name, with V(/SUBRESOURCE) where it is about one.
    :param name: of the only object that it is about; empty for all.
    """

    namespace: str
    group: str
    resource: str
    verb: str
    name: str = ""

    def __str__(self) -> str:
        """As C(kubectl auth can-i) takes it."""
        plural, _slash, sub = self.resource.partition("/")
        what = f"{plural}.{self.group}" if self.group else plural
        return f"{self.verb} {what}{f'/{sub}' if sub else ''}{f' {self.name}' if self.name else ''}"


class Client(Protocol):
    """What is needed of an API client."""

    def create(self, path: str, body: Any) -> dict[str, Any]: ...


def rights_in(manifest: Any, roles: Collection[str] = ()) -> list[Right]:
    """Every right that the Roles and ClusterRoles of a List grant.

    :param roles: names of those that count, a Role also as V(NAMESPACE/NAME); empty for all.
    :raises DefiniteError: for a manifest that holds none of them, or not all that are named, since nothing asked is no
        answer.
    """
    items = manifest.get("items") if isinstance(manifest, Mapping) else None
    if not isinstance(items, list):
        raise DefiniteError("manifest is no List of objects; expected apiVersion: v1, kind: List and items.")
    found: set[Right] = set()
    names: set[str] = set()
    for item in items:
        if not isinstance(item, Mapping) or item.get("kind") not in ("Role", "ClusterRole"):
            continue
        place = namespace_of(item) if item["kind"] == "Role" else ""
        own = {name_of(item), f"{place}/{name_of(item)}"} if place else {name_of(item)}
        names |= own
        if roles and not own & set(roles):
            continue
        for rule in item.get("rules") or []:
            found |= {
                Right(place, group, resource, verb, name)
                for group in rule.get("apiGroups") or []
                for resource in rule.get("resources") or []
                for verb in rule.get("verbs") or []
                for name in rule.get("resourceNames") or [""]
            }
    unknown = next((role for role in roles if role not in names), "")
    if unknown:
        near = nearest(unknown, names)
        hint = f"did you mean {near}?" if near else f"it holds {listing(sorted(names)) or 'none'}."
        raise DefiniteError(f"manifest holds no Role or ClusterRole called {unknown}; {hint}")
    if not found:
        raise DefiniteError("manifest holds no Role or ClusterRole with rules, so there is nothing to ask for.")
    return sorted(found)


def wanted_rights(manifests: Iterable[Mapping[str, Any]]) -> dict[Right, str]:
    """What several manifests grant, each right with the command of the first that does.

    :param manifests: each with C(content), C(roles) and C(remedy).
    """
    found: dict[Right, str] = {}
    for item in manifests:
        for right in rights_in(item["content"], item["roles"]):
            found.setdefault(right, item["remedy"])
    return {right: found[right] for right in sorted(found)}


def remedies(wanted: Mapping[Right, str], missing: Iterable[Right]) -> str:
    """The commands that grant what is missing, as one line."""
    lacking = {wanted[right] for right in missing}
    return " && ".join(command for command in dict.fromkeys(wanted.values()) if command in lacking)


def grants(rules: Iterable[Rule], right: Right) -> bool:
    """Whether one of these rules grants it, as Kubernetes judges."""
    return any(
        _among(right.verb, rule.get("verbs"))
        and _among(right.group, rule.get("apiGroups"))
        and _resource(right.resource, rule.get("resources"))
        and (not rule.get("resourceNames") or right.name in rule["resourceNames"])
        for rule in rules
    )


def _among(wanted: str, known: Any) -> bool:
    return "*" in (known or ()) or wanted in (known or ())


def _resource(wanted: str, known: Any) -> bool:
    sub = wanted.partition("/")[2]
    return _among(wanted, known) or bool(sub and f"*/{sub}" in (known or ()))


def missing_rights(client: Client, rights: Sequence[Right]) -> list[Right]:
    """Those that the account does not have.

    One request for each namespace brings nearly all of the answer. It may leave out what other authorizers than RBAC
    grant, so what it lacks is asked for one by one.
    """
    lacking: list[Right] = []
    for place in sorted({right.namespace for right in rights}):
        answer = client.create(f"{API}/selfsubjectrulesreviews", _review("Rules", {"namespace": place or NOWHERE}))
        rules = (answer.get("status") or {}).get("resourceRules") or []
        lacking += [right for right in rights if right.namespace == place and not grants(rules, right)]
    return [right for right in lacking if not _allowed(client, right)]


def _allowed(client: Client, right: Right) -> bool:
    plural, _slash, sub = right.resource.partition("/")
    attributes = {
        "verb": right.verb, "group": right.group, "resource": plural, "subresource": sub, "name": right.name,
        "namespace": right.namespace,
    }  # fmt: skip
    answer = client.create(f"{API}/selfsubjectaccessreviews", _review("Access", {"resourceAttributes": attributes}))
    return (answer.get("status") or {}).get("allowed") is True


def _review(kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "authorization.k8s.io/v1", "kind": f"SelfSubject{kind}Review", "spec": dict(spec)}


def rights_checks(wanted: Mapping[Right, str], missing: Sequence[Right]) -> list[ExplainedCheck]:
    """One check for the whole cluster and for each namespace."""
    checks = []
    for place in sorted({right.namespace for right in wanted}):
        label = f"rights in namespace {place}" if place else "rights in the whole cluster"
        total = sum(right.namespace == place for right in wanted)
        lacking = [right for right in missing if right.namespace == place]
        expected, observed = count_text(total, "right"), f"{total - len(lacking)} of {total}"
        if not lacking:
            checks.append(ExplainedCheck(label, True, expected, observed))
            continue
        detail = f"missing: {listing([str(right) for right in lacking], SHOWN)}"
        command = remedies(wanted, lacking)
        checks.append(ExplainedCheck(label, False, expected, observed, detail, "right_missing", command, label))
    return checks
