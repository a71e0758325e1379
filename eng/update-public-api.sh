#!/usr/bin/env bash
# Writes the public members of every library into its PublicAPI.Unshipped.txt, without those that PublicAPI.Shipped.txt has.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
for folder in src/*/; do
  [ -f "$folder/PublicAPI.Shipped.txt" ] || echo '#nullable enable' > "$folder/PublicAPI.Shipped.txt"
  echo '#nullable enable' > "$folder/PublicAPI.Unshipped.txt"
done
dotnet restore MLNet.Ssl.slnx --verbosity quiet
for folder in src/*/; do
  dotnet format analyzers "$folder" --no-restore --diagnostics RS0016 --severity warn
done
wc -l src/*/PublicAPI.*.txt
