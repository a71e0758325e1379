#!/usr/bin/env bash
# Setup and one verb: ./build.sh build | demo | test | bench | results | pack [arguments passed on]
#   MLSTACK=nuget|compat  overrides the choice of stack      LIBTORCH=<dir>  another libtorch for the compat stack
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# --- the stack: the real packages where the feed has them, compat where it does not -----------------------------------
has_packages() {
  local probe=artifacts/probe
  mkdir -p "$probe"
  # Exactly the versions of Directory.Packages.props: a feed that offers only others is no feed for the nuget stack.
  {
    echo '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework><MLStack>probe</MLStack>'
    echo '<ManagePackageVersionsCentrally>false</ManagePackageVersionsCentrally></PropertyGroup><ItemGroup>'
    sed -n '/OnnxRuntime/d; s/.*PackageVersion Include="\(Microsoft\.ML[^"]*\|TorchSharp\|TorchSharp-cpu\)" Version="\([^"]*\)".*/<PackageDownload Include="\1" Version="[\2]" \/>/p' Directory.Packages.props
    echo '</ItemGroup></Project>'
  } > "$probe/probe.csproj"
  dotnet restore "$probe/probe.csproj" > "$probe/restore.log" 2>&1
}

# TorchSharp's native half asks for a C++ library of its own age: packages that restore may still not load.
packages_load() {
  local version library
  version=$(sed -n 's/.*PackageVersion Include="TorchSharp" Version="\([^"]*\)".*/\1/p' Directory.Packages.props)
  library="$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: *//')torchsharp/$version/runtimes/linux-x64/native/libLibTorchSharp.so"
  [ "$(uname -sm)" != "Linux x86_64" ] || ! command -v ldd > /dev/null || ! ldd "$library" 2>&1 | grep -q "version .* not found"
}

missing_packages() {
  local names
  names=$(sed -n 's/.*Unable to find package \([A-Za-z.-]*[A-Za-z]\).*/\1/p' artifacts/probe/restore.log | sort -u | paste -sd, -)
  printf '%s' "${names:-the packages, see artifacts/probe/restore.log}"
}

choose_stack() {
  local stack="${MLSTACK:-}" reason="MLSTACK is set"
  if [ -z "$stack" ] && [ -f artifacts/stack.props ]; then
    stack=$(sed -n 's:.*<MLStack>\(.*\)</MLStack>.*:\1:p' artifacts/stack.props)
    reason="chosen earlier, artifacts/stack.props"
  elif [ -z "$stack" ]; then
    if ! has_packages; then stack=compat reason="the feed lacks $(missing_packages)"
    elif ! packages_load; then stack=compat reason="TorchSharp's native library needs a newer C++ library than this system's"
    else stack=nuget reason="the feed carries the packages"; fi
  fi
  case "$stack" in nuget | compat) ;; *) die "MLSTACK is '$stack', expected nuget or compat" ;; esac
  say "stack: $stack ($reason)"
  STACK=$stack
}

write_props() {
  mkdir -p artifacts
  local text="<Project>
  <PropertyGroup>
    <MLStack>$STACK</MLStack>${LIBTORCH:+
    <LibTorch>$LIBTORCH</LibTorch>}
  </PropertyGroup>
</Project>"
  # Written only when it changes, so that incremental builds stay incremental.
  [ -f artifacts/stack.props ] && [ "$text" = "$(cat artifacts/stack.props)" ] || printf '%s\n' "$text" > artifacts/stack.props
}

# --- what the compat stack needs of the system -------------------------------------------------------------------------
install_packages() {
  command -v dpkg-query > /dev/null || die "the compat stack installs its needs with apt; elsewhere install libtorch, OpenBLAS, libvips and g++ by hand and set LIBTORCH"
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2> /dev/null || die "missing system packages; run: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq > /dev/null
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > artifacts/apt.log 2>&1 \
    || { tail -5 artifacts/apt.log >&2; die "apt-get install failed (artifacts/apt.log)"; }
}

setup() {
  command -v dotnet > /dev/null || die "the .NET 10 SDK is needed: https://dotnet.microsoft.com/download"
  choose_stack
  write_props
  if [ "$STACK" = compat ]; then
    local packages=(g++ libvips42)
    [ -n "${LIBTORCH:-}" ] || packages+=(libtorch-dev libopenblas0-openmp)
    install_packages "${packages[@]}"
  fi
}

build() { dotnet build MLNet.Ssl.sln -c Release -v quiet --nologo; }

# --- verbs ---------------------------------------------------------------------------------------------------------------
# Spinning OpenMP threads collapse on a busy machine.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
# On a processor newer than itself OpenBLAS takes kernels without AVX, a quarter as fast.
if [ -z "${OPENBLAS_CORETYPE:-}" ]; then
  case "$(grep -m1 '^flags' /proc/cpuinfo 2> /dev/null)" in
    *avx512f*avx512dq*avx512bw*avx512vl*) export OPENBLAS_CORETYPE=SkylakeX ;;
    *fma*avx2*) export OPENBLAS_CORETYPE=Haswell ;;
  esac
fi

verb_test() {
  local log=artifacts/test.log status=0
  dotnet test MLNet.Ssl.sln -c Release --no-build --nologo --logger "console;verbosity=minimal" "$@" 2>&1 | tee "$log" || status=$?
  awk '/(Passed|Failed)! +- Failed:/ {
         gsub(",", ""); for (i = 1; i < NF; i++) { if ($i == "Failed:") f += $(i+1); if ($i == "Passed:") p += $(i+1); if ($i == "Skipped:") s += $(i+1) }
       } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit !(p > 0 && f == 0) }' "$log" || status=1
  return "$status"
}

verb="${1:-}"
[ $# -gt 0 ] && shift
case "$verb" in
  build) setup; build ;;
  test) setup; build; verb_test "$@" ;;
  demo) setup; build; dotnet run --project samples/Cifar10 -c Release --no-build -- "$@" ;;
  bench)
    setup
    [ "$STACK" = nuget ] || install_packages python3-torch python3-torchvision
    build
    exec dotnet run --project benchmarks/MLNet.Ssl.Benchmarks -c Release --no-build -- "$@"
    ;;
  results) setup; build; exec dotnet run --project benchmarks/MLNet.Ssl.Benchmarks -c Release --no-build -- results "$@" ;;
  pack) setup; dotnet pack MLNet.Ssl.sln -c Release -o artifacts/packages "$@" ;;
  *) sed -n '2,3s/^# //p' "$0" >&2; exit 2 ;;
esac
