#!/usr/bin/env bash
# Trains on this machine, one process for each processor socket or GPU:  docs/cluster/mpirun.sh 2 dotnet Cifar10.dll --data /data
# On several machines:  HOSTS=node1:2,node2:2 docs/cluster/mpirun.sh 4 dotnet Cifar10.dll --data /data
set -euo pipefail
ranks="$1"; shift
arguments=(-n "$ranks" --bind-to none -x OMP_WAIT_POLICY)
[ -z "${HOSTS:-}" ] || arguments+=(--host "$HOSTS" -x PATH -x LD_LIBRARY_PATH)
[ "$(id -u)" -ne 0 ] || arguments+=(--allow-run-as-root)
export OMP_WAIT_POLICY=PASSIVE
exec mpirun "${arguments[@]}" "$@"
