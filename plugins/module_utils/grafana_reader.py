# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what decides about dashboards in a cluster and what its Grafana has, and judge it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.argolab.observability.plugins.module_utils.checks import listing, nearest
from ansible_collections.argolab.observability.plugins.module_utils.errors import ArgolabError, TransientError
from ansible_collections.argolab.observability.plugins.module_utils.explained import (
    ExplainedCheck,
    poll_of,
    skipped,
)
from ansible_collections.argolab.observability.plugins.module_utils.grafana_api import (
    GrafanaClient,
    GrafanaStatusError,
)
from ansible_collections.argolab.observability.plugins.module_utils.grafana_chain import Shown, judge, reload_check
from ansible_collections.argolab.observability.plugins.module_utils.grafana_files import (
    DashboardFile,
    Provider,
    Sidecar,
    files_of,
    provider_from_texts,
    provider_map,
    sidecar_from_pod,
)
from ansible_collections.argolab.observability.plugins.module_utils.kube_access import KubeClient, KubeError
from ansible_collections.argolab.observability.plugins.module_utils.selectors import full_name, plain_matches
from ansible_collections.argolab.observability.plugins.module_utils.waiter import Poll

LOG_LINES = 400


class GrafanaReader:
    """Looks at Grafana and the objects with dashboards again each time poll() is called.

    :param service: Service in front of Grafana as V(NAME:PORT).
    :param required: objects with dashboards that have to exist, as V(NAMESPACE/NAME).
    :param ignored: objects that are not looked at.
    :param datasources: uids of data sources that have to be there and healthy.
    """

    def __init__(
        self,
        kube: KubeClient,
        grafana: GrafanaClient,
        namespace: str,
        service: str,
        required: Iterable[str] = (),
        ignored: Iterable[str] = (),
        datasources: Iterable[str] = (),
    ) -> None:
        self._kube = kube
        self._grafana = grafana
        self._namespace = namespace
        self._service = service.rpartition(":")[0].rpartition(":")[2]
        self._required = list(required)
        self._ignored = set(ignored)
        self._datasources = list(datasources)

    def poll(self) -> Poll:
        """One look: a check of Grafana itself, of each reload, each dashboard and each data source."""
        try:
            return self._look()
        finally:
            # A session that is left behind would last for a month.
            self._grafana.close()

    def _look(self) -> Poll:
        try:
            health = self._grafana.health()
            sources, index = self._sources(), self._grafana.search()
        except GrafanaStatusError as error:
            if error.status != 401:
                raise
            return self._unseen("login_refused", "refused", str(error))
        except TransientError as error:
            return self._unseen("grafana_silent", "Grafana does not answer", str(error))
        found: dict[str, Any] = {"version": str(health.get("version") or ""), "dashboards": [], "datasources": sources}
        database = str(health.get("database") or "unknown")
        cause = "" if database == "ok" else "unhealthy"
        checks = [ExplainedCheck("Grafana", not cause, "its database ok", f"database {database}", cause=cause)]
        checks += [_source_check(source) for source in sources]
        selector = self._selector()
        workload = self._workload(selector)
        pod = ((workload.get("spec") or {}).get("template") or {}).get("spec") or {}
        sidecar = sidecar_from_pod(pod, self._namespace)
        provider = self._provider(pod, sidecar) if sidecar else None
        if sidecar is None or provider is None:
            checks.append(self._no_way(workload, sidecar))
            return poll_of(checks, found)
        checks += self._reloads(pod, selector)
        files, problems = self._files(sidecar, provider)
        shown = Shown(self._dashboards(files), index)
        checks += problems
        checks += judge(files, shown, sidecar.label, sidecar.value or "1", self._namespace)
        found["dashboards"] = [_described(file, shown) for file in files]
        return poll_of(checks, found)

    def _unseen(self, cause: str, observed: str, error: str) -> Poll:
        """A look that saw nothing of Grafana, and so nothing of its dashboards either."""
        command = f"kubectl get pods -n {self._namespace} -l app.kubernetes.io/name=grafana"
        check = ExplainedCheck("Grafana", False, "an answer, with this login", observed, error, cause, command)
        return poll_of([check], {"version": "", "dashboards": [], "datasources": []}, error)

    def _selector(self) -> dict[str, str]:
        service = self._kube.get(f"/api/v1/namespaces/{self._namespace}/services/{self._service}")
        return {str(key): str(value) for key, value in ((service.get("spec") or {}).get("selector") or {}).items()}

    def _workload(self, selector: Mapping[str, str]) -> dict[str, Any]:
        """What runs the pods behind Grafana's Service; empty where it is neither Deployment nor StatefulSet."""
        for plural in ("deployments", "statefulsets"):
            for item in self._kube.list(f"/apis/apps/v1/namespaces/{self._namespace}/{plural}"):
                template = ((item.get("spec") or {}).get("template") or {}).get("metadata") or {}
                if plain_matches(selector, template.get("labels") or {}):
                    return item
        return {}

    def _provider(self, pod: Mapping[str, Any], sidecar: Sidecar) -> Provider | None:
        name = provider_map(pod)
        if not name:
            return None
        data = self._kube.get(f"/api/v1/namespaces/{self._namespace}/configmaps/{name}").get("data") or {}
        return provider_from_texts(data.values(), sidecar.folder)

    def _no_way(self, workload: Mapping[str, Any], sidecar: Sidecar | None) -> ExplainedCheck:
        command = f"kubectl get deployment,statefulset -n {self._namespace} -l app.kubernetes.io/name=grafana -o yaml"
        expected = "a sidecar that writes dashboards, and a provider that reads them"
        if not workload:
            return ExplainedCheck(
                "way of dashboards", False, expected, "no workload",
                f"no Deployment or StatefulSet has the pods of Service {self._service}", "no_workload", command,
            )  # fmt: skip
        if sidecar is None:
            return ExplainedCheck(
                "way of dashboards", False, expected, "no sidecar",
                "no container of Grafana's pods looks for dashboards: grafana.sidecar.dashboards.enabled is off",
                "no_sidecar", command,
            )  # fmt: skip
        return ExplainedCheck(
            "way of dashboards", False, expected, "no provider",
            f"Grafana reads no folder that holds {sidecar.folder}, where the sidecar writes", "no_provider", command,
        )  # fmt: skip

    def _reloads(self, pod: Mapping[str, Any], selector: Mapping[str, str]) -> list[ExplainedCheck]:
        containers = [
            str(container.get("name"))
            for container in pod.get("containers") or []
            if any(item.get("name") == "REQ_URL" for item in container.get("env") or [])
        ]
        if not containers:
            return []
        base = f"/api/v1/namespaces/{self._namespace}/pods"
        labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        pods = [item for item in self._kube.list(base, {"labelSelector": labels}) if not _is_going(item)]
        name = str((pods[0].get("metadata") or {}).get("name")) if pods else ""
        checks = []
        for container in containers:
            log, why = None, "Grafana has no pod"
            if name:
                try:
                    log = self._kube.raw(f"{base}/{name}/log", {"container": container, "tailLines": LOG_LINES})
                except KubeError as error:
                    why = f"its log cannot be read: {error}"
            checks.append(reload_check(container, self._namespace, log, why))
        return checks

    def _files(self, sidecar: Sidecar, provider: Provider) -> tuple[list[DashboardFile], list[ExplainedCheck]]:
        """What the objects with the sidecar's label become, and what is wrong with those that have to exist."""
        objects: dict[tuple[str, str], dict[str, Any]] = {}
        checks = []
        for kind in sidecar.kinds:
            found, unread = self._labelled(kind, sidecar)
            objects.update({(kind, full_name(item)): {**item, "kind": kind} for item in found})
            if unread:
                checks.append(skipped(f"dashboards in {kind}s", "in Grafana", unread))
        for name in self._required:
            if not any(key[1] == name for key in objects):
                item = self._one(name)
                if item is None:
                    checks.append(_absent(name, [key[1] for key in objects]))
                else:
                    objects["ConfigMap", name] = {**item, "kind": "ConfigMap"}
        files = []
        for key, item in sorted(objects.items(), key=lambda pair: pair[0]):
            if key[1] not in self._ignored:
                files += files_of(item, sidecar, provider)
        return files, checks

    def _labelled(self, kind: str, sidecar: Sidecar) -> tuple[list[dict[str, Any]], str]:
        """The objects with the sidecar's label, and what of them this access may not read.

        Who may not read the whole cluster is content with the namespaces that are known to matter.
        """
        plural, selector = f"{kind.lower()}s", {"labelSelector": sidecar.label}
        try:
            return self._kube.list(f"/api/v1/{plural}", selector), ""
        except KubeError as error:
            if error.status != 403:
                raise
        namespaces = {
            self._namespace,
            *(sidecar.namespaces or ()),
            *(name.partition("/")[0] for name in self._required),
        }
        found, closed = [], []
        for namespace in sorted(namespaces):
            try:
                found += self._kube.list(f"/api/v1/namespaces/{namespace}/{plural}", selector)
            except KubeError as error:
                if error.status != 403:
                    raise
                closed.append(namespace)
        if closed:
            return found, f"this access may not list {plural} in {', '.join(closed)}, nor in the whole cluster"
        return (
            found,
            "" if sidecar.namespaces else f"this access may list {plural} in {', '.join(sorted(namespaces))} only",
        )

    def _one(self, full: str) -> dict[str, Any] | None:
        namespace, _slash, name = full.partition("/")
        try:
            return self._kube.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}")
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def _dashboards(self, files: Sequence[DashboardFile]) -> dict[str, dict[str, Any]]:
        found = {}
        for uid in sorted({file.uid for file in files if file.uid and file.problem[0] != "illegal_uid"}):
            answer = self._grafana.dashboard(uid)
            if answer is not None:
                found[uid] = answer
        return found

    def _sources(self) -> list[dict[str, Any]]:
        """The data sources that have to be there, each as the module returns it."""
        found = []
        for uid in self._datasources:
            source = self._grafana.datasource(uid)
            healthy, said = None, ""
            if source is None:
                said = self._other_sources(uid)
            else:
                try:
                    healthy, said = self._grafana.datasource_health(uid)
                except GrafanaStatusError as error:
                    if error.status != 404:
                        raise
                    said = "this kind of data source knows no health check"
            described = {key: (source or {}).get(key) for key in ("name", "type", "url")}
            found.append({"uid": uid, **described, "present": source is not None, "healthy": healthy, "message": said})
        return found

    def _other_sources(self, uid: str) -> str:
        try:
            others = [str(item.get("uid")) for item in self._grafana.datasources()]
        except ArgolabError:
            return "which there are may not be asked with this login"
        close = nearest(uid, others)
        return f"did you mean {close}?" if close else f"there are: {listing(others, 5)}"


def _is_going(pod: Mapping[str, Any]) -> bool:
    return bool((pod.get("metadata") or {}).get("deletionTimestamp"))


def _absent(name: str, names: Iterable[str]) -> ExplainedCheck:
    names = list(names)
    close = nearest(name, names)
    hint = f"the nearest with a dashboard is {close}" if close else f"with dashboards there are: {listing(names, 5)}"
    return ExplainedCheck(
        f"dashboard {name}", False, "in Grafana", "no such ConfigMap", hint, "config_map_absent",
        f"kubectl get configmaps -n {name.partition('/')[0]}",
    )  # fmt: skip


def _source_check(source: Mapping[str, Any]) -> ExplainedCheck:
    name = f"data source {source['uid']}"
    if not source["present"]:
        return ExplainedCheck(
            name, False, "there and healthy", "not in Grafana", str(source["message"]), "datasource_absent",
            "kubectl get configmaps,secrets -A -l grafana_datasource",
        )  # fmt: skip
    if source["healthy"] is None:
        return ExplainedCheck(name, None, "healthy", "skipped", str(source["message"]))
    cause = "" if source["healthy"] else "datasource_unhealthy"
    observed = "healthy" if source["healthy"] else "Grafana does not reach it"
    return ExplainedCheck(name, bool(source["healthy"]), "there and healthy", observed, str(source["message"]), cause)


def _described(file: DashboardFile, shown: Shown) -> dict[str, Any]:
    answer = shown.dashboards.get(file.uid) or {}
    meta = answer.get("meta") or {}
    return {
        "source": file.source,
        "file": file.path,
        "uid": file.uid,
        "title": file.title,
        "present": bool(answer),
        "folder": str(meta.get("folderTitle") or ""),
        "url": str(meta.get("url") or ""),
    }
