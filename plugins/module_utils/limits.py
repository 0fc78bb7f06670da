# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an option may be beyond its type: a range of numbers, a form of text, empty or not.

A limit is a mapping with any of C(form), C(minimum), C(above), C(maximum), C(empty_ok) and C(options), the limits of
suboptions. A text, a path, a list or a mapping that is empty is refused unless that is the option's default, or
C(empty_ok) says that it means something. The form of a list is that of each entry, and no entry may be empty; the form
of a mapping that has no suboptions is that of each value.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Union

Limit = Mapping[str, Any]

PORT: Limit = {"minimum": 1, "maximum": 65535}

_SHOWN = 80


class Form(NamedTuple):
    """A form of text: a pattern for all of it, or a function that raises ValueError, and what to say is expected."""

    test: Union[str, Callable[[str], object]]
    expected: str

    def fits(self, text: str) -> bool:
        if isinstance(self.test, str):
            return re.fullmatch(self.test, text) is not None
        try:
            self.test(text)
        except ValueError:
            return False
        return True


_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_QUALIFIED = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_FILTER = r"(@[^@\s]+)?"

FORMS: Dict[str, Form] = {
    "text": Form(r"(?s).*\S.*", "a text"),
    "word": Form(r"\S+", "one word without spaces"),
    "kube_name": Form(
        rf"{_LABEL}(\.{_LABEL})*",
        "the name of a Kubernetes object: lower case letters, digits and dashes, such as argocd",
    ),
    "namespace": Form(_LABEL, "the name of a namespace: lower case letters, digits and dashes, such as monitoring"),
    "namespaced_name": Form(rf"{_LABEL}/{_LABEL}(\.{_LABEL})*", "NAMESPACE/NAME, such as monitoring/argocd"),
    "role_name": Form(
        rf"({_LABEL}/)?{_LABEL}(\.{_LABEL})*", "the name of a Role or ClusterRole, or NAMESPACE/NAME of a Role"
    ),
    "cluster_name": Form(
        r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?",
        "at most 32 lower case letters, digits and dashes that begin with a letter, such as argolab",
    ),
    "host_name": Form(rf"{_LABEL}(\.{_LABEL})*", "a host or domain name in lower case, such as example.it"),
    "ip_address": Form(ipaddress.ip_address, "an IP address, such as 127.0.0.1"),
    "subnet": Form(ipaddress.ip_network, "a network with its length, such as 172.29.0.0/16"),
    "url": Form(r"https?://[^\s/@]+(:\d+)?(/\S*)?", "an http:// or https:// address without a password"),
    "git_url": Form(
        r"(https?|ssh|git|file)://\S+|[^\s@]+@[^\s:]+:\S+",
        "the address of a git repository, such as https://HOST/NAME.git",
    ),
    "docker_address": Form(
        r"unix:///\S+|tcp://[^\s/]+:\d+|ssh://\S+", "the address of a Docker engine: unix:///PATH or tcp://HOST:PORT"
    ),
    "commit": Form(
        r"[0-9a-f]{40}",
        "a whole commit hash of 40 hexadecimal digits, so that what is deployed cannot change by itself",
    ),
    "duration": Form(r"(\d+(ms|[smhdwy]))+", "a time as Prometheus writes it, such as 30s or 1m"),
    "memory": Form(r"[1-9]\d*[bkmgBKMG]?", "an amount of memory, such as 512m or 4g"),
    "version": Form(r"v?\d+(\.\d+)*([-+][0-9A-Za-z.+-]+)?", "a version, such as v1.2.3"),
    "image": Form(
        r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:\d+)?(/[a-z0-9][a-z0-9._-]*)*(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?",
        "a container image, such as docker.io/library/redis:8.2.3",
    ),
    "api_kind": Form(
        r"[a-z0-9.-]+/v\w+/[A-Z]\w*", "GROUP/VERSION/Kind, such as monitoring.coreos.com/v1/ServiceMonitor"
    ),
    "label": Form(
        rf"({_LABEL}(\.{_LABEL})*/)?{_QUALIFIED}", "the key of a Kubernetes label, such as app.kubernetes.io/name"
    ),
    "label_value": Form(rf"({_QUALIFIED})?", "the value of a Kubernetes label: at most 63 letters, digits, - _ and ."),
    "service_port": Form(
        rf"(https?:)?{_LABEL}:(\d+|{_LABEL})", "a Service and its port, such as prometheus-operated:9090"
    ),
    "path_prefix": Form(r"(/[A-Za-z0-9._~-]+)+/?", "a path that begins with a slash, such as /prometheus"),
    "inner_path": Form(
        r"(?!/)(?!(.*/)?\.\.(/|$))\S+",
        "a path inside the repository, without .. and a leading slash, such as guestbook",
    ),
    "marker": Form(r"[A-Za-z0-9._-]+", "one word of letters, digits, dots, dashes and underscores"),
    "metric_label": Form(r"[a-zA-Z_][a-zA-Z0-9_./-]*", "the name of a label, such as team"),
    "debian_name": Form(r"[a-z0-9][a-z0-9+.-]+", "the name of a Debian package or suite, such as trixie"),
    "node": Form(r"(server|agent):\d+", "a node as k3d's filters name it, such as server:0"),
    "volume": Form(
        rf"[^\s@:]+(:[^\s@:]+){{0,2}}{_FILTER}", "SOURCE:TARGET with an optional @FILTER, as k3d's --volume takes it"
    ),
    "environment": Form(r"(?s)[A-Za-z_]\w*=.*", "NAME=VALUE with an optional @FILTER, as k3d's --env takes it"),
    "runtime_label": Form(r"[\w./-]+=[^@=\s]*(@[^@\s]+)?", "KEY=VALUE with an optional @FILTER, as k3d takes it"),
    "subject_name": Form(
        r"[A-Za-z0-9*]([A-Za-z0-9.:*-]*[A-Za-z0-9])?",
        "a host name or an address for a certificate, such as k3d.example.it",
    ),
    "registry": Form(
        r"(https?://)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5}){0,2}",
        "a registry of k3d, such as k3d-cache or k3d-cache:5000",
    ),
    "token": Form(r"[A-Za-z0-9._:~+/=-]{1,256}", "at most 256 letters, digits and ._:~+/=-"),
    "ulimit": Form(r"[a-z]+=-?\d+(:-?\d+)?", "NAME=SOFT with an optional :HARD, such as nofile=65536:65536"),
    "host_alias": Form(
        r"[0-9a-fA-F.:]+:[^\s:]+", "ADDRESS:NAME with more names after commas, such as 10.0.0.1:a.it,b.it"
    ),
    "module_version": Form(
        r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+incompatible)?", "a version of a Go module, such as v1.2.3"
    ),
    "go_sum": Form(r"h1:[A-Za-z0-9+/]{43}=", "a checksum as go.sum has it: h1: and 44 characters of base64"),
    "program_argument": Form(
        rf"--?[A-Za-z][^@]*{_FILTER}", "an argument such as --kubelet-arg=sync-frequency=5s@server:*"
    ),
}


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _range(limit: Limit, whole: bool) -> str:
    kind = "a whole number" if whole else "a number"
    if "minimum" in limit and "maximum" in limit:
        return f"{kind} from {limit['minimum']} to {limit['maximum']}"
    if "minimum" in limit:
        return f"{kind}, {limit['minimum']} or more"
    return f"{kind} greater than {limit['above']}" if "above" in limit else kind


def _number_problems(name: str, value: Any, limit: Limit, whole: bool) -> List[str]:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    # A comparison with NaN is false, so that it is refused as well.
    fits = (
        limit.get("minimum", float("-inf")) <= number <= limit.get("maximum", float("inf"))
        and number > limit.get("above", float("-inf"))
        and number not in (float("inf"), float("-inf"))
    )
    return [] if fits else [f"{name} is {_shown(value)}; expected {_range(limit, whole)}."]


def _text_problems(name: str, value: Any, limit: Limit, hidden: bool) -> List[str]:
    form = FORMS[limit.get("form", "text")]
    if form.fits(str(value)):
        return []
    return [f"{name} is {'not right' if hidden else _shown(value)}; expected {form.expected}."]


def _is_empty(value: Any) -> bool:
    return not value.strip() if isinstance(value, str) else value is None or value in ([], (), {})


def _value_problems(name: str, value: Any, option: Mapping[str, Any], limit: Limit) -> List[str]:
    kind = option.get("type", "str")
    # A raw value is read, and judged, by the module alone.
    if kind in ("bool", "raw") or (option.get("choices") and kind != "list"):
        return []
    if _is_empty(value):
        if limit.get("empty_ok") or _is_empty(option.get("default", "no default")):
            return []
        return [f"{name} is empty; expected {_expected(kind, option, limit)}."]
    if kind in ("int", "float"):
        return _number_problems(name, value, limit, kind == "int")
    if kind in ("str", "path"):
        return _text_problems(name, value, limit, bool(option.get("no_log")))
    elements = option.get("options") or {}
    if kind == "dict":
        if elements:
            return option_problems(value, elements, limit.get("options", {}), f"{name}.")
        items = value.items() if "form" in limit else ()
        return [line for key, item in items for line in _text_problems(f"{name}.{key}", item, limit, False)]
    if kind != "list":
        return []
    found: List[str] = []
    for index, item in enumerate(value if isinstance(value, (list, tuple)) else [value]):
        where = f"{name}[{index}]"
        if option.get("elements") == "dict" and elements and isinstance(item, Mapping):
            found += option_problems(item, elements, limit.get("options", {}), f"{where}.")
        elif option.get("elements", "str") in ("str", "path", "int", "float") and not option.get("choices"):
            element = {"type": option.get("elements", "str"), "no_log": option.get("no_log", False)}
            found += _value_problems(where, item, element, {**limit, "empty_ok": False})
    return found


def _expected(kind: str, option: Mapping[str, Any], limit: Limit) -> str:
    if kind in ("int", "float"):
        return _range(limit, kind == "int")
    if kind == "list":
        return "a list with at least one entry"
    if kind == "dict":
        return "a mapping with at least one key"
    return "a path" if kind == "path" and "form" not in limit else FORMS[limit.get("form", "text")].expected


def option_problems(
    values: Mapping[str, Any],
    spec: Mapping[str, Mapping[str, Any]],
    limits: Mapping[str, Limit],
    prefix: str = "",
) -> List[str]:
    """One sentence for each option whose value is impossible: what it is and what was expected.

    :param values: the options; those that are absent or V(None) are not looked at, their absence is the spec's matter.
    :param spec: the argument specification, whose types already hold.
    :param limits: limits by option name; a name that is no option is a mistake of the caller and raises KeyError.
    :param prefix: comes before each name; the option that these are suboptions of.
    """
    unknown = sorted(set(limits) - set(spec))
    if unknown:
        raise KeyError(f"limits for what is no option: {', '.join(unknown)}")
    found: List[str] = []
    for name in spec:
        if values.get(name) is not None:
            found += _value_problems(f"{prefix}{name}", values[name], spec[name], limits.get(name, {}))
    return found
