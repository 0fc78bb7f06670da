# shellcheck shell=bash
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The pods' network, part of the program `k3s`: a link for each pod, and a route to each other node.

network() {
  # $1: the pod network of this node. Every pod has its own link, so that all traffic passes kube-proxy's rules.
  mkdir -p /etc/cni/net.d
  cat >/etc/cni/net.d/10-pods.conflist.new <<EOF
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipMasq": true, "mtu": 1500, "ipam": {
    "type": "host-local", "dataDir": "/run/cni-ipam", "ranges": [[{"subnet": "$1"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
EOF
  mv /etc/cni/net.d/10-pods.conflist.new /etc/cni/net.d/10-pods.conflist
}

# The network as Kubernetes gave it to this node.
assigned_network() {
  local subnet=
  until [[ $subnet == *.*/* ]]; do
    subnet=$(kubectl --kubeconfig="$1" get node "$HOSTNAME" -o 'jsonpath={.spec.podCIDR}' 2>/dev/null) || sleep 0.2
  done
  network "$subnet"
}

# Routes to the pod networks of the other nodes, and the servers that the proxy knows, as their number changes.
routes() {
  local before='' list name node subnet role servers count pause=10
  while true; do
    list=$(kubectl --kubeconfig="$1" get nodes --no-headers -o "$node_columns" 2>/dev/null) || list=$before
    servers=() count=0
    while read -r name node subnet role; do
      [[ -n $name ]] || continue
      count=$((count + 1))
      # An empty label is there, and '<none>' is not.
      [[ -n $role ]] || servers+=("$name")
      [[ $name == "$HOSTNAME" || $subnet == '<none>' ]] || ip route replace "$subnet" via "$node" || true
    done <<<"$list"
    if [[ -e $known_servers && ${#servers[@]} -gt 0 ]]; then forward_to "${servers[@]}"; fi
    # Nodes of a new cluster come one after the other; a node that is alone looks up rarely.
    if [[ $count -lt 2 && ! -e $known_servers ]]; then
      pause=10
    elif [[ $list != "$before" ]]; then
      pause=1
    elif ((pause < 5)); then
      pause=$((pause + 1))
    else
      pause=5
    fi
    before=$list
    sleep "$pause"
  done
}
readonly node_columns='custom-columns=:.metadata.name,:.status.addresses[?(@.type=="InternalIP")].address,:.spec.podCIDR,:.metadata.labels.node-role\.kubernetes\.io/control-plane'
