# shellcheck shell=bash
# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# containerd's folder, part of the program `k3s`: the one that is mounted, or one of this node's own inside it.

readonly mounted=/var/lib/containerd
readonly layers=io.containerd.snapshotter.v1.overlayfs/snapshots
readonly databases=(io.containerd.metadata.v1.bolt/meta.db io.containerd.snapshotter.v1.overlayfs/metadata.db)

# k3d mounts the folder of another node in a node that is added later. What the images are made of never changes and is
# shared through hard links; the databases are those from before the other node's first container.
choose_store() {
  local first=$mounted/first own=$mounted/nodes/$HOSTNAME name
  if [[ ! -e $first/node ]]; then
    mkdir -p "$first" "$mounted/$layers"
    ls "$mounted/$layers" >"$first/layers"
    for name in "${databases[@]}"; do
      [[ ! -e $mounted/$name ]] || cp -p "$mounted/$name" "$first/"
    done
    echo "$HOSTNAME" >"$first/node"
  fi
  [[ $(<"$first/node") != "$HOSTNAME" ]] || return 0
  store=$own
  # A node of this name may have been here before.
  [[ ! -e $data/store ]] || return 0
  say "the images are those of $(<"$first/node")"
  rm -rf "$own"
  mkdir -p "$own/$layers"
  while read -r name; do cp -al "$mounted/$layers/$name" "$own/$layers/"; done <"$first/layers"
  cp -al "$mounted/io.containerd.content.v1.content" "$own/" || true
  for name in "${databases[@]}"; do
    mkdir -p "$own/${name%/*}"
    [[ ! -e $first/${name##*/} ]] || cp -p "$first/${name##*/}" "$own/$name"
  done
  touch "$data/store"
}
store=$mounted
