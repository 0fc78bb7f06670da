# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins of the images that k3d needs: 2 MB, no Kubernetes in them, enough for a cluster's life cycle.

The node writes a kubeconfig and the lines that k3d waits for; the load balancer logs a line whenever its configuration
changes, and forwards nothing. Made of a static busybox (Debian's busybox-static) without docker build.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import sys
import tarfile
from typing import Dict, List, Tuple
from urllib.parse import urlencode

NODE = "argolab.test/k3s:standin"
OTHER_NODE = "argolab.test/k3s:other"
LOADBALANCER = "argolab.test/k3d-proxy:standin"
TOOLS = "argolab.test/k3d-tools:standin"
REGISTRY = "argolab.test/registry:standin"
HANGING_NODE = "argolab.test/k3s:hanging"
BUSYBOX = "/bin/busybox"
APPLETS = [
    "sh",
    "cat",
    "ls",
    "sleep",
    "echo",
    "grep",
    "sed",
    "awk",
    "cp",
    "mv",
    "rm",
    "mkdir",
    "chmod",
    "touch",
    "env",
    "hostname",
    "ip",
    "kill",
    "ps",
    "md5sum",
    "test",
    "true",
    "tail",
    "head",
    "cut",
    "date",
    "mount",
    "umount",
    "readlink",
    "dirname",
    "basename",
    "sort",
    "tr",
    "xargs",
    "find",
    "id",
    "uname",
    "wc",
    "getent",
    "nslookup",
    "tee",
    "stat",
    "printf",
    "dd",
    "mktemp",
    "sha256sum",
    "[",
]

K3S = """#!/bin/sh
trap 'exit 0' TERM INT
if [ "$1" = agent ]; then
  echo "Successfully registered node $(hostname)"
else
  mkdir -p /output /var/lib/rancher/k3s/server/manifests
  cat > "${K3S_KUBECONFIG_OUTPUT:-/output/kubeconfig.yaml}" <<KUBECONFIG
apiVersion: v1
kind: Config
clusters: [{name: default, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: ""}}]
contexts: [{name: default, context: {cluster: default, user: default}}]
current-context: default
users: [{name: default, user: {token: standin}}]
KUBECONFIG
  cat > /var/lib/rancher/k3s/server/manifests/coredns.yaml <<COREDNS
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data:
  NodeHosts: ""
COREDNS
  echo "Containerd is now running"
  echo "Running kube-apiserver"
  echo "Cluster dns configmap"
  echo "k3s is up and running"
fi
while true; do sleep 1; done
"""
HANGING = "#!/bin/sh\ntrap 'exit 0' TERM INT\necho waiting for ever\nwhile true; do sleep 1; done\n"
PROXY = """#!/bin/sh
trap 'exit 0' TERM INT
seen=none
while true; do
  now=$(md5sum /etc/confd/values.yaml 2>/dev/null)
  if [ "$now" != "$seen" ]; then seen=$now; echo "start worker processes"; fi
  sleep 0.2
done
"""
# Stands where containerd's client stands in a node: of what k3d image import streams into it, it keeps the names and a
# manifest with the digest of the configuration. With a file "forgets" it keeps nothing, and ends with the code in it.
# k3d never closes the stream, and busybox's tar would wait for that: the archive is read here to its own end.
CTR = r"""#!/bin/sh
store=/var/log/ctr
mkdir -p $store
block() { dd bs=512 count="$1" iflag=fullblock of="$2" 2>/dev/null; }
unpack() {
  while block 1 header && name=$(head -c 100 header | tr -d '\000') && [ -n "$name" ]; do
    size=$((0$(head -c 135 header | tail -c 11)))
    block $(((size + 511) / 512)) data
    mkdir -p "$(dirname "$name")"
    case $name in */) mkdir -p "$name" ;; *) head -c $size data >"$name" ;; esac
  done
}
if [ "$1" = -n ]; then shift 2; fi
case "$1 $2" in
"image import")
  cd "$(mktemp -d)" && unpack || exit 1
  if [ -e $store/forgets ]; then exit "$(cat $store/forgets)"; fi
  tr '{' '\n' <manifest.json | sed -n 's/.*"Config":"\([^"]*\)".*"RepoTags":\[\([^]]*\)\].*/\1 \2/p' |
    while read -r config names; do
      manifest="{\"config\":{\"digest\":\"sha256:$(sha256sum <"$config" | cut -d' ' -f1)\"}}"
      target=sha256:$(echo "$manifest" | sha256sum | cut -d' ' -f1)
      echo "$manifest" >"$store/$target"
      for name in $(echo "$names" | tr -d '"' | tr , ' '); do
        case $name in *.*/* | *:*/*) ;; */*) name=docker.io/$name ;; *) name=docker.io/library/$name ;; esac
        touch $store/names
        sed -i "\|^$name |d" $store/names
        echo "$name manifest $target 1MiB linux/amd64 -" >>$store/names
      done
    done
  rm -r "$PWD"
  ;;
"images ls")
  echo REF TYPE DIGEST SIZE PLATFORMS LABELS
  cat $store/names 2>/dev/null || true
  ;;
"content get") cat "$store/$3" ;;
*) echo "ctr: the stand-in knows no $1 $2" >&2; exit 1 ;;
esac
"""
SUCCEED = "#!/bin/sh\nexit 0\n"
SLEEP = "#!/bin/sh\ntrap 'exit 0' TERM INT\nwhile true; do sleep 1; done\n"


def archive(scripts: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:

        def add(name: str, content: bytes, mode: int) -> None:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))

        for folder in (
            "bin",
            "tmp",
            "var",
            "var/log",
            "output",
            "etc",
            "etc/confd",
            "usr",
            "usr/bin",
            "proc",
            "sys",
            "dev",
        ):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        with open(BUSYBOX, "rb") as handle:
            add("bin/busybox", handle.read(), 0o755)
        for applet in APPLETS:
            if f"bin/{applet}" not in scripts:
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(entry)
        add("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n", 0o644)
        add("etc/group", b"root:x:0:\n", 0o644)
        for name, text in scripts.items():
            add(name, text.encode(), 0o755)
    return buffer.getvalue()


STUBS = {"bin/iptables-save": SUCCEED, "bin/iptables-restore": SUCCEED, "bin/kubectl": SUCCEED}
# What an image holds, and how its configuration is changed.
Image = Tuple[Dict[str, str], List[str]]
NODE_WITH_CTR: Image = (
    {"bin/k3s": K3S, "bin/ctr": CTR, **STUBS},
    ['ENTRYPOINT ["/bin/k3s"]', "ENV PATH=/bin:/usr/bin"],
)
IMAGES: dict[str, Image] = {
    NODE: ({"bin/k3s": K3S, **STUBS}, ['ENTRYPOINT ["/bin/k3s"]', "ENV PATH=/bin:/usr/bin"]),
    OTHER_NODE: ({"bin/k3s": K3S + "# another\n", **STUBS}, ['ENTRYPOINT ["/bin/k3s"]', "ENV PATH=/bin:/usr/bin"]),
    HANGING_NODE: ({"bin/k3s": HANGING, **STUBS}, ['ENTRYPOINT ["/bin/k3s"]', "ENV PATH=/bin:/usr/bin"]),
    LOADBALANCER: ({"bin/proxy": PROXY}, ['ENTRYPOINT ["/bin/proxy"]', "ENV PATH=/bin"]),
    REGISTRY: ({"bin/registry": SLEEP}, ['ENTRYPOINT ["/bin/registry"]', "ENV PATH=/bin"]),
    TOOLS: ({"bin/k3d-tools": SLEEP}, ['ENTRYPOINT ["/bin/k3d-tools"]', "ENV PATH=/bin"]),
}


def load(docker_host: str, images: dict[str, Image] | None = None) -> None:
    """Make images on a Docker engine, all of the above where none are given."""
    for name, (scripts, changes) in (IMAGES if images is None else images).items():
        repository, _colon, tag = name.rpartition(":")
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(docker_host[len("unix://") :])
        query = urlencode(
            [("fromSrc", "-"), ("repo", repository), ("tag", tag), *(("changes", line) for line in changes)]
        )
        connection.request("POST", "/images/create?" + query, archive(scripts), {"Content-Type": "application/x-tar"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        if answer.status != 200 or any("error" in json.loads(line) for line in body.splitlines() if line.strip()):
            raise RuntimeError(f"{name}: {answer.status} {body}")


if __name__ == "__main__":
    load(sys.argv[1] if len(sys.argv) > 1 else os.environ["DOCKER_HOST"])
