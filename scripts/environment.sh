# Makes .venv in the checkout with the extras that a script needs. Source it, then: install_extras rl,dev
# PYTHON=/path/to/python3.11 names the interpreter; otherwise the first that fits is taken.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv"
fits='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))'

# Matrices of this size run many times slower when two threads wait for one busy core.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" TOKENIZERS_PARALLELISM="${TOKENIZERS_PARALLELISM:-false}"

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.11 python3.12 python}; do
    if "$candidate" -c "$fits" >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  echo "Expected Python 3.11 or 3.12 with its venv module, found none as: ${PYTHON:-python3, python3.11, python3.12}." >&2
  echo "Install one (on Debian or Ubuntu also python3-venv), or name it: PYTHON=/path/to/python3.11 bash $0" >&2
  return 2
}

install_extras() {
  local extras="$1" python wanted stamp="$venv/installed-$1"
  if ! "$venv/bin/python" -c "$fits" >/dev/null 2>&1; then
    python="$(find_python)" || return
    echo "Making .venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
  fi
  # The path is part of the stamp: a checkout that was moved must be installed anew.
  wanted="$( (echo "$root"; cat "$root/pyproject.toml" "$root/constraints-cpu.txt") | cksum)"
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  echo "Installing rl-router[$extras] into .venv (the first time this takes a few minutes)"
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check \
    --constraint "$root/constraints-cpu.txt" --editable "$root[$extras]"
  echo "$wanted" >"$stamp"
  echo "Installed"
}
