#!/bin/sh
# SPDX-License-Identifier: MIT
# build_commit.sh: prints the commit that is built, with -dirty if files differ from it. Only the project's own
# repository can tell: a tree that lies inside another one is not of that one's commit. An archive (git archive, and so a
# download from a forge) carries its commit in archive_commit.txt. Else: unknown.
here=$(cd "$(dirname "$0")" && pwd -P)
root=${here%/src/machine}
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE # as a hook of any repository would set them
if [ "$(git -C "$root" rev-parse --show-toplevel 2>/dev/null)" = "$root" ]; then
  git -C "$root" describe --always --dirty --abbrev=40 '--exclude=*' 2>/dev/null && exit
fi
read -r archived <"$here/archive_commit.txt"
case $archived in
  *[!0-9a-f]* | '') echo unknown ;; # it was never filled in
  *) echo "$archived" ;;
esac
