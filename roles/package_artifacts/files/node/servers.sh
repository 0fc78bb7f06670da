# shellcheck shell=bash
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Clusters with several servers, part of the program `k3s`: one etcd of all servers, and an API that outlives any of them.
# As with k3s, nodes of such a cluster reach it on a port of their own, which leads to any server that answers.

readonly proxy=127.0.0.1:6444
readonly proxy_config=/etc/nginx/api.conf
# Names of the servers, one a line. The file is only there in clusters with several servers.
readonly known_servers=$data/servers

certificate_key() { printf 'certificates %s' "${K3S_TOKEN:-argolab}" | sha256sum | cut -d ' ' -f 1; }

# forward_to NAME...: names last, addresses may not, so they are looked up each time.
forward_to() {
  local name found backup='' lines=''
  printf '%s\n' "$@" >"$known_servers"
  # A server asks the others while its own API does not answer.
  [[ " $* " != *" $HOSTNAME "* ]] || backup=' backup'
  for name in "$@"; do
    found=$(getent ahostsv4 "$name" | awk 'NR == 1 {print $1}') || true
    [[ -n $found ]] || continue
    lines+="    server $found:6443 max_fails=1 fail_timeout=5s"
    if [[ $name == "$HOSTNAME" ]]; then lines+=$';\n'; else lines+="$backup"$';\n'; fi
  done
  [[ -n $lines ]] || return 0
  cat >"$proxy_config.new" <<EOF
load_module modules/ngx_stream_module.so;
error_log stderr error;
pid /run/api-proxy.pid;
worker_processes 1;
worker_shutdown_timeout 10s;
events {}
stream {
  upstream servers {
$lines  }
  server {
    listen $proxy;
    proxy_pass servers;
    proxy_connect_timeout 2s;
    proxy_timeout 1d;
  }
}
EOF
  if cmp -s "$proxy_config.new" "$proxy_config"; then return 0; fi
  mv "$proxy_config.new" "$proxy_config"
  [[ ! -s /run/api-proxy.pid ]] || kill -HUP "$(cat /run/api-proxy.pid)" 2>/dev/null || true
}

# start_proxy NAME...: these servers are asked until others are known.
start_proxy() {
  local names=("$@")
  [[ ! -s $known_servers ]] || mapfile -t names <"$known_servers"
  until forward_to "${names[@]}" && [[ -s $proxy_config ]]; do sleep 0.5; done
  keep api-proxy nginx -c "$proxy_config" -g 'daemon off;' &
}

# Whether enough servers run for etcd to decide anything.
majority_runs() {
  local name all=0 running=0
  while read -r name; do
    all=$((all + 1))
    if getent ahostsv4 "$name" >/dev/null; then running=$((running + 1)); fi
  done <"$known_servers"
  ((running * 2 > all))
}

# Ask as a node that has not joined yet.
ask() {
  kubectl --kubeconfig=/dev/null --server="$K3S_URL" --insecure-skip-tls-verify --token="$(join_token)" get --raw "$1" 2>/dev/null
}

# Wait until nodes may join; true if the cluster was made for several servers.
await_cluster() {
  local config
  until config=$(ask /api/v1/namespaces/kube-system/configmaps/kubeadm-config); do sleep 0.5; done
  [[ $config == *"$proxy"* ]]
}

# As with k3s, a name belongs to one server until somebody removes its node.
await_name() {
  while [[ ! -e $data/join.yaml ]] && ask "/api/v1/nodes/$HOSTNAME" >/dev/null; do
    say "another server had this name, waiting for: kubectl delete node $HOSTNAME"
    sleep 5
  done
}

# join TEMPLATE...: try until it works. Servers join one at a time, each one when k3d starts it.
join() {
  local reset=
  [[ ! -e $data/join.yaml ]] || reset=yes
  cat "$@" | fill >"$data/join.yaml"
  while true; do
    [[ -z $reset ]] || kubeadm reset --force >/dev/null 2>&1 || true
    if kubeadm join --config "$data/join.yaml" --skip-phases preflight >/var/log/kubeadm.log 2>&1; then return; fi
    say "could not join ${K3S_URL}, trying again: $(tail -n 1 /var/log/kubeadm.log)"
    reset=yes
    sleep 2
  done
}

# kubeadm lets the certificates that servers share go after two hours, but servers may be added at any time.
# They are encrypted, with a key that only who knows the token has.
keep_certificates() {
  kubectl --kubeconfig="$admin" --namespace=kube-system patch secret kubeadm-certs --type=json \
    --patch='[{"op": "remove", "path": "/metadata/ownerReferences"}]' >/dev/null
}

# kubeadm makes members of etcd known by address. If all addresses change at once they only find each other by name.
name_etcd_member() {
  local answer id
  answer=$(etcd member/list <<<'{}')
  [[ $answer != *"https://$HOSTNAME:2380"* ]] || return 0
  id=$(sed 's/.*"member_id":"\([0-9]*\)".*/\1/' <<<"$answer")
  etcd member/update <<<"{\"ID\": \"$id\", \"peerURLs\": [\"https://$HOSTNAME:2380\"]}" >/dev/null
}

# As with k3s, a server whose node was removed is no member of etcd either, or too many of the dead would end its majority.
# One that is about to join is spared: it answers sooner than this looks twice.
remove_dead_members() {
  local nodes members member id name host dead=' ' suspects=' '
  while true; do
    sleep 20
    nodes=$(kubectl --kubeconfig="$admin" get nodes --output=name 2>/dev/null) || continue
    members=$(etcd member/list <<<'{}' 2>/dev/null | grep -o '{"ID":[^}]*}') || continue
    suspects=$dead dead=' '
    while read -r member; do
      id=$(field ID) name=$(field name) host=${member#*https://} host=${host%%:*}
      if [[ -n $name && $nodes$'\n' == *"node/$name"$'\n'* ]] || answers "$host"; then continue; fi
      if [[ $suspects != *" $id "* ]]; then dead+="$id "; continue; fi
      say "removing ${name:-$host} from etcd: no node has this name, and nothing answers"
      etcd member/remove <<<"{\"ID\": \"$id\"}" >/dev/null || true
    done <<<"$members"
  done
}
field() { [[ $member != *"\"$1\":\""* ]] || { member=${member#*"\"$1\":\""} && echo "${member%%\"*}"; }; }
answers() { timeout 2 bash -c ": <>/dev/tcp/$1/2380" 2>/dev/null; }

# etcd CALL <REQUEST: its API as JSON; kubectl is the only program here that can ask it.
etcd() {
  local pki=/etc/kubernetes/pki/etcd
  kubectl --kubeconfig=/dev/null --server=https://127.0.0.1:2379 --certificate-authority="$pki/ca.crt" \
    --client-certificate="$pki/healthcheck-client.crt" --client-key="$pki/healthcheck-client.key" \
    create --raw "/v3/cluster/$1" -f -
}
