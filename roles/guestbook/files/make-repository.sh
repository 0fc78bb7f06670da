#!/bin/sh
# Make a bare repository with one commit that has the same name on every machine: content, author and time are fixed.
set -eu
repository="$1" revision="$2" manifests="$3" path="$4"
export GIT_DIR="$repository" HOME=/tmp
export GIT_AUTHOR_NAME=argolab GIT_AUTHOR_EMAIL=argolab@example.it GIT_AUTHOR_DATE='2026-01-01T00:00:00+0000'
export GIT_COMMITTER_NAME=argolab GIT_COMMITTER_EMAIL=argolab@example.it GIT_COMMITTER_DATE='2026-01-01T00:00:00+0000'

# A restarted init container finds what its predecessor left.
rm -rf "$repository"
git init -q --bare -b main "$repository"
tree=$(
  for file in "$manifests"/*.yaml; do
    printf '100644 blob %s\t%s\n' "$(git hash-object -w "$file")" "${file##*/}"
  done | git mktree
)
root=$(printf '040000 tree %s\t%s\n' "$tree" "$path" | git mktree)
commit=$(git commit-tree -m 'Guestbook' "$root")
if [ "$commit" != "$revision" ]; then
  echo "commit $commit was made where $revision is pinned: the manifests or this script were changed" >&2
  exit 1
fi
git update-ref refs/heads/main "$commit"
echo "$repository is at $commit"
