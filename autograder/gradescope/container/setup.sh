#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the assignment's image. It finds (or installs) a Python that is new
# enough and puts everything that grading needs into a venv of its own; run_autograder uses that. Any failure ends it.
#
#   PYTHON           an interpreter to use instead of the one found
#   TORCH_INDEX      package index that torch is taken from (default: torch_index.txt, if that is in the package)
#   AUTOGRADER_ROOT  the folder that is /autograder on Gradescope
set -euo pipefail
umask 022
source="${AUTOGRADER_ROOT:-/autograder}/source"
venv="$source/venv"
versions=(3.13 3.12 3.11 3.14)

fail() {
  echo "setup.sh: $*" >&2
  exit 1
}

usable() { # new enough, and able to make a venv, which Debian and Ubuntu pack apart
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local name
  for name in ${PYTHON:+"$PYTHON"} "${versions[@]/#/python}" python3; do
    if command -v "$name" >/dev/null && usable "$name"; then
      command -v "$name"
      return
    fi
  done
  return 1
}

install_python() {
  local version
  command -v apt-get >/dev/null || return 1
  export DEBIAN_FRONTEND=noninteractive
  apt-get update || return 1
  for version in "${versions[@]}"; do
    if apt-get install -y --no-install-recommends "python$version" "python$version-venv"; then
      return 0
    fi
  done
  return 1
}

[ -f "$source/requirements.txt" ] || fail "there is no $source/requirements.txt; is this folder the unpacked package?"
# first the version that the package was made with: what is installed here is what was tested there
versions=("$(cat "$source/python.txt")" "${versions[@]}")
if ! python="$(find_python)"; then
  install_python || fail "Python 3.11 or newer cannot be installed here; choose a newer Ubuntu as the base image"
  python="$(find_python)" || fail "the Python that was installed cannot make a venv; choose a newer Ubuntu"
fi
echo "setup.sh: using $python, $("$python" --version)"

rm -rf "$venv"
"$python" -m venv "$venv"
index="${TORCH_INDEX:-}"
if [ -z "$index" ] && [ -f "$source/torch_index.txt" ]; then
  index="$(cat "$source/torch_index.txt")"
fi
install() { "$venv/bin/python" -m pip install --no-cache-dir --disable-pip-version-check -c "$source/constraints.txt" "$@"; }
# torch comes first and alone, so that the wheel meant for this machine is taken before anything else asks for it
if [ -n "$index" ]; then
  install --index-url "$index" torch
else
  echo "setup.sh: no TORCH_INDEX is given, so torch comes from pip's own index, which may add several GB for GPUs"
  install torch
fi
install -r "$source/requirements.txt"

# our own program is run from its folder: the processes of students can then be kept from importing it
packages="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
echo "$source/program" > "$packages/autograder.pth"
"$venv/bin/python" -m compileall -q "$source/program"

# students' processes have user ids of their own: they need Python, and must not have the course
chmod -R a+rX "$venv" "$source/program"
chmod -R go-rwx "$source/course"

"$venv/bin/python" -P -c 'import autograder.gradescope.grading, torch; print("setup.sh: torch", torch.__version__)' ||
  fail "what was installed does not work"
echo "setup.sh: done"
