#!/bin/sh
# Builds moec and installs it: PREFIX/bin/moec, what it needs in PREFIX/lib/moec, and completions.
set -eu
# With it, cd goes elsewhere and prints where.
unset CDPATH

usage() {
  cat <<'END'
Builds moec and installs it where every folder finds it.

usage: ./install.sh [--prefix DIR] [--build DIR] [--uninstall] [--help]

  --prefix DIR   where to: DIR/bin/moec, DIR/lib/moec, DIR/share (default: ~/.local)
  --build DIR    build nothing, install what 'swift build' left in DIR, such as .build/release
  --uninstall    remove what this script installed there
  --help         this

examples
  ./install.sh
  ./install.sh --prefix /opt/moec
  ./install.sh --uninstall

It replaces what it installed before, all at once, and no other file. The prefix may be moved as a
whole; a copy of bin/moec alone does not work, as models are compiled against lib/moec.
END
}

# Prints an error with what to do, and leaves with the exit code: 1, or 64 for wrong usage.
fail() { printf 'error: %s\nhint: %s\n' "$1" "$2" >&2; exit "${3:-1}"; }

clone=$(cd "$(dirname "$0")" && pwd -P)
prefix=
products=
is_uninstalling=
while [ $# -gt 0 ]; do
  case $1 in
    --prefix | --build)
      [ $# -gt 1 ] && [ -n "$2" ] || fail "$1 needs a folder" "such as $1 DIR" 64
      if [ "$1" = --prefix ]; then prefix=$2; else products=$2; fi
      shift ;;
    --prefix=?*) prefix=${1#*=} ;;
    --build=?*) products=${1#*=} ;;
    --prefix= | --build=) fail "${1%=} needs a folder" "such as ${1%=} DIR" 64 ;;
    --uninstall) is_uninstalling=1 ;;
    -h | --help) usage; exit 0 ;;
    *) fail "there is no option $1" "see ./install.sh --help" 64 ;;
  esac
  shift
done
[ -n "$prefix${HOME-}" ] || fail "HOME is not set" "name a folder with --prefix DIR"
prefix=${prefix:-$HOME/.local}
case $prefix in
  # What some shells leave of --prefix=~/DIR.
  "~/"*) prefix=$HOME/${prefix#*/} ;;
  /*) ;;
  *) prefix=$(pwd)/$prefix ;;
esac
# PATH, where bin/moec is to be found, is one line with a colon after each folder.
case $prefix in
  *:* | *"
"*) fail "no shell finds programs in $prefix: there is a colon or a line's end in it" \
    "name a folder without with --prefix DIR" ;;
esac
require_products() {
  [ -d "$products" ] \
    || fail "there is no folder $products" "build moec, or name its products with --build DIR"
  [ -x "$products/moec" ] \
    || fail "there is no moec in $products" "run 'swift build -c release --product moec' first"
}
[ -z "$products" ] || [ -n "$is_uninstalling" ] || require_products
[ -n "$is_uninstalling" ] || mkdir -p "$prefix" 2> /dev/null \
  || fail "cannot make the folder $prefix" "name one that you may write with --prefix DIR"
[ -d "$prefix" ] || fail "there is no folder $prefix" "name where moec is with --prefix DIR"
prefix=$(cd "$prefix" && pwd)

# What is installed, below the prefix. lib/moec is a link to the one folder that has everything,
# so that a new one takes its place in one step.
program=bin/moec
link=lib/moec
bash_completion=share/bash-completion/completions/moec
zsh_completion=share/zsh/site-functions/_moec
fish_completion=share/fish/vendor_completions.d/moec.fish

# Whether a path, below the prefix, is free or was put there by this script (or is a completion that
# moec wrote itself).
is_ours() {
  path=$prefix/$1
  [ -e "$path" ] || [ -L "$path" ] || return 0
  case $1 in
    "$program") [ "$(readlink "$path" || true)" = "../$link/moec" ] ;;
    "$link") [ -L "$path" ] && case $(readlink "$path") in moec-*) ;; *) false ;; esac ;;
    *) [ -f "$path" ] && grep -q '_moec' "$path" ;;
  esac
}

require_ours() {
  for name in "$program" "$link" "$bash_completion" "$zsh_completion" "$fish_completion"; do
    is_ours "$name" || fail "$prefix/$name is there, and this script did not put it there" \
      "move it away, or install elsewhere with --prefix DIR; nothing was changed"
  done
}

# Renames a link over another; mv alone would move it into the folder that the other leads to.
rename_link() { mv -fT "$1" "$2" 2> /dev/null || mv -fh "$1" "$2"; }

# Removes folders of earlier installations, all but the one that is named.
remove_others() {
  for folder in "$prefix/$link"-*; do
    if [ -f "$folder/installed-by-moec" ] && [ "$folder" != "${1-}" ]; then rm -rf "$folder"; fi
  done
}

if [ -n "$is_uninstalling" ]; then
  [ -L "$prefix/$link" ] || fail "nothing of moec's is in $prefix" "name where it is with --prefix DIR"
  require_ours
  for name in "$program" "$link" "$bash_completion" "$zsh_completion" "$fish_completion"; do
    [ -e "$prefix/$name" ] || [ -L "$prefix/$name" ] || continue
    rm -f "$prefix/$name"
    echo "removed $prefix/$name"
  done
  remove_others
  # Folders that hold nothing now, from the innermost out; never the prefix.
  for name in "$program" "$link" "$bash_completion" "$zsh_completion" "$fish_completion"; do
    (cd "$prefix" && rmdir -p "$(dirname "$name")" 2> /dev/null) || true
  done
  exit 0
fi

require_ours
# Said before minutes of building rather than after.
for name in "$program" "$link" "$bash_completion" "$zsh_completion" "$fish_completion"; do
  folder=$(dirname "$prefix/$name")
  { mkdir -p "$folder" && [ -w "$folder" ]; } 2> /dev/null \
    || fail "cannot write in $folder" "name a folder that you may write with --prefix DIR"
done
if [ -z "$products" ]; then
  command -v swift > /dev/null \
    || fail "swift is not on PATH" "install Swift 6 first: https://www.swift.org/install"
  echo "building moec in $clone, which takes some minutes the first time"
  (cd "$clone" && swift build -c release --product moec) \
    || fail "moec was not built" "see what the compiler said above"
  products=$(cd "$clone" && swift build -c release --show-bin-path)
fi
require_products
products=$(cd "$products" && pwd -P)

new=$prefix/$link-$(date +%Y%m%d%H%M%S)-$$
trap 'rm -rf "$new" "$new.link"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$new/Modules" "$new/Examples" "$new/Data" \
  || fail "cannot write in $prefix" "name a folder that you may write with --prefix DIR"
: > "$new/installed-by-moec"
cp "$products/moec" "$new/moec"
cp "$clone"/Examples/*.swift "$new/Examples"
cp "$clone/Data/shakespeare.txt" "$new/Data"
for module in MoE GraphIR Words; do
  for kind in swiftmodule swiftdoc; do
    cp "$products/Modules/$module.$kind" "$new/Modules" \
      || fail "$products has no module $module" "build moec anew"
  done
  # The objects that SwiftPM's own list names: its folder may hold others, of sources long gone.
  mkdir "$new/$module.build"
  sed -n 's|.*"object" *: *".*/\([^/"]*\.o\)".*|\1|p' "$products/$module.build/output-file-map.json" \
    | grep -v "^$module\.o\$" | sort -u | while IFS= read -r object; do
      cp "$products/$module.build/$object" "$new/$module.build" || exit 1
    done || fail "$products lacks objects of the module $module" "build moec anew"
done
"$new/moec" --version > "$new/version" \
  || fail "the moec in $products does not run" "build it anew with 'swift build -c release'"

# Writes what moec prints to a file below the prefix, whole or not at all.
complete() {
  "$new/moec" --generate-completion-script "$1" > "$prefix/$2.$$"
  mv -f "$prefix/$2.$$" "$prefix/$2"
}
complete bash "$bash_completion"
complete zsh "$zsh_completion"
complete fish "$fish_completion"

# From here on the new one is what is installed.
ln -s "$(basename "$new")" "$new.link"
rename_link "$new.link" "$prefix/$link"
trap - EXIT
if [ ! -L "$prefix/$program" ]; then ln -s "../$link/moec" "$prefix/$program"; fi
remove_others "$new"

cat <<END
$(head -1 "$new/version") is installed:
  $prefix/$program
  $prefix/$link: the modules that models are compiled against, examples, a text
  $prefix/$bash_completion
  $prefix/$zsh_completion
  $prefix/$fish_completion
END
# A word as all shells read it back.
quoted() {
  case $1 in
    *[!-_=+.,/@%0-9A-Za-z]*) printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf %s "$1" ;;
  esac
}

case :$PATH: in
  *":$prefix/bin:"*)
    found=$(command -v moec || true)
    [ "$found" = "$prefix/$program" ] || echo "note: 'moec' is $found, which comes first in PATH" ;;
  *)
    echo "note: $prefix/bin is not in PATH: add this line to ~/.profile or what your shell reads:"
    printf '  export PATH=%s:"$PATH"\n' "$(quoted "$prefix/bin")" ;;
esac

# Where bash-completion and fish look by themselves; zsh does in no folder of a user's.
is_searched() {
  case :${XDG_DATA_HOME:-${HOME-}/.local/share}:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}: in
    *":$prefix/share:"*) ;;
    *) false ;;
  esac
}
case ${SHELL-} in
  */zsh)
    echo "note: for completion, add this line to ~/.zshrc, before compinit:"
    printf '  fpath=(%s $fpath)\n' "$(quoted "$prefix/$(dirname "$zsh_completion")")" ;;
  */bash) is_searched || printf 'note: for completion, add this line to ~/.bashrc:\n  . %s\n' \
    "$(quoted "$prefix/$bash_completion")" ;;
  */fish)
    is_searched || printf 'note: for completion, add this line to config.fish:\n  source %s\n' \
      "$(quoted "$prefix/$fish_completion")" ;;
esac
echo "next: moec doctor, which says what else is useful here; moec new my-model"
