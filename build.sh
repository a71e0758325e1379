#!/usr/bin/env bash
# Setup and one verb: ./build.sh build | test | format | api | demo | fuzz | soak | bench | results | docs | pack [arguments passed on]
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# Spinning OpenMP threads collapse on a busy machine.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# TorchSharp's native library asks for the C++ library of GCC 13.
has_cpp_library() {
  [ "$(uname -sm)" = "Linux x86_64" ] || return 0
  local library
  library=$(ldconfig -p 2> /dev/null | awk '/libstdc\+\+\.so\.6 .*x86-64/ { print $NF; exit }')
  [ -z "$library" ] || grep -qa GLIBCXX_3.4.32 "$library"
}

install_cpp_library() {
  local advice="TorchSharp needs libstdc++6 of GCC 13 or newer (Debian 13, Ubuntu 24.04, Fedora 39, the .NET 10 container images)"
  [ "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" = bookworm ] || die "$advice; this system's is older"
  local line="on Debian 12 add a source for trixie, then run: apt-get update && apt-get install --no-install-recommends libstdc++6"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2> /dev/null || die "$advice; $line"
    sudo=(sudo)
  fi
  say "installing libstdc++6 of Debian 13, which TorchSharp's native library needs"
  mkdir -p artifacts
  install_from_trixie "${sudo[@]}" > artifacts/apt.log 2>&1 || { tail -5 artifacts/apt.log >&2; die "$advice; $line"; }
}

# The machine's own Debian source with the release's name exchanged, in a file that is gone afterwards.
install_from_trixie() (
  list=/etc/apt/sources.list.d/mlnet-ssl-trixie.list
  trap '"$@" rm -f "$list"' EXIT
  "$@" apt-get update -q &&
  address=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' 'Component: main' | head -1) &&
  [ -n "$address" ] &&
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $address trixie main" | "$@" tee "$list" &&
  "$@" apt-get update -q &&
  "$@" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends libstdc++6
)

# Tests of several processes start mpirun; without it they are skipped.
install_mpi() {
  ! command -v mpirun > /dev/null || return 0
  command -v apt-get > /dev/null || return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2> /dev/null || return 0
    sudo=(sudo)
  fi
  say "installing openmpi-bin, which tests of several processes need"
  mkdir -p artifacts
  { "${sudo[@]}" apt-get update -q &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends openmpi-bin; } > artifacts/apt-mpi.log 2>&1 ||
    say "openmpi-bin could not be installed (artifacts/apt-mpi.log): tests of several processes are skipped"
}

setup() {
  command -v dotnet > /dev/null || die "the .NET 10 SDK is needed: https://dotnet.microsoft.com/download"
  has_cpp_library || install_cpp_library
}

build() { dotnet build MLNet.Ssl.slnx -c Release -v quiet --nologo; }

# Whitespace, order of usings and style of .editorconfig.
check_format() {
  Configuration=Release dotnet format MLNet.Ssl.slnx --no-restore --verify-no-changes >&2 || { say "error: run ./build.sh format"; return 1; }
}

# Pages, the reference and links: warnings are errors. The assemblies are those that the tests run on.
build_docs() {
  rm -rf docs/api artifacts/docs
  dotnet docfx docfx.json --warningsAsErrors "$@"
}

check_docs() {
  local log=artifacts/docs.log
  mkdir -p artifacts
  dotnet tool restore > "$log" 2>&1 || { say "docfx could not be restored ($log): the documentation is not checked"; return 0; }
  build_docs > "$log" 2>&1 || { grep -E 'warning|error' "$log" >&2; say "error: the documentation does not build ($log)"; return 1; }
}

run_tests() {
  local log=artifacts/test.log status=0
  mkdir -p artifacts
  # Without a GPU its tests run on a pretended one.
  export MLNETSSL_PRETEND_GPU="${MLNETSSL_PRETEND_GPU:-1}"
  dotnet test MLNet.Ssl.slnx -c Release --no-build --nologo --logger "console;verbosity=minimal" "$@" 2>&1 | tee "$log" || status=$?
  awk '/(Passed|Failed|Skipped)! +- Failed:/ {
         gsub(",", ""); for (i = 1; i < NF; i++) { if ($i == "Failed:") f += $(i+1); if ($i == "Passed:") p += $(i+1); if ($i == "Skipped:") s += $(i+1) }
       } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit !(p > 0 && f == 0) }' "$log" || status=1
  return "$status"
}

verb="${1:-}"
[ $# -gt 0 ] && shift
case "$verb" in
  build) setup; build ;;
  test)
    setup; install_mpi; build
    # A filtered run is somebody at work: format and documentation are checked with the whole.
    in_order=0
    [ $# -gt 0 ] || { check_format || in_order=1; check_docs || in_order=1; }
    run_tests "$@" && exit "$in_order" ;;
  format) setup; build; Configuration=Release dotnet format MLNet.Ssl.slnx --no-restore "$@" ;;
  api) setup; exec eng/update-public-api.sh ;;
  demo) setup; build; dotnet run --project samples/Cifar10 -c Release --no-build -- "$@" ;;
  fuzz) setup; build; exec dotnet run --project tests/MLNet.Ssl.Fuzz -c Release --no-build -- fuzz "$@" ;;
  soak) setup; build; exec dotnet run --project tests/MLNet.Ssl.Soak -c Release --no-build -- "$@" ;;
  bench) setup; build; exec dotnet run --project benchmarks/MLNet.Ssl.Benchmarks -c Release --no-build -- "$@" ;;
  results) setup; build; exec dotnet run --project benchmarks/MLNet.Ssl.Benchmarks -c Release --no-build -- results "$@" ;;
  docs) setup; build; dotnet tool restore; build_docs "$@" ;;
  pack) setup; dotnet pack MLNet.Ssl.slnx -c Release -o artifacts/packages "$@" ;;
  *) sed -n '2s/^# //p' "$0" >&2; exit 2 ;;
esac
