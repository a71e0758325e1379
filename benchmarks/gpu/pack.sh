#!/usr/bin/env bash
# Packs the tests and benchmarks for a GPU machine that has PyTorch in Python but no .NET: one archive of some 47 MB, which device.sh unpacks
# and runs there. TorchSharp's own library then loads PyTorch's libtorch, so none is packed.
#
#   benchmarks/gpu/pack.sh FOLDER [PHOTOS [CIFAR10]]      writes FOLDER/app.tar.xz, and into it the photos of a folder, and test.bin.gz
#                                                         and the first 10,000 images of train.bin.gz of another (34 MB)
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$(realpath -m "$1") photos="${2:-}" cifar="${3:-}"
work=artifacts/gpu
rm -rf "$work/app" && mkdir -p "$work/app" "$out"
for project in tests/MLNet.Ssl.Gpu.Tests benchmarks/MLNet.Ssl.Benchmarks; do
  dotnet publish "$project" -c Release -r linux-x64 --self-contained true -p:TorchBackend=none -p:UseCurrentRuntimeIdentifier=false \
    -p:DebugType=none -p:GenerateDocumentationFile=false -p:EnforceCodeStyleInBuild=false -p:SatelliteResourceLanguages=en \
    --artifacts-path "$work/build" -o "$work/app" -v quiet --nologo
done
# libtorch is the machine's own, and LightGBM is for tables.
rm -rf "$work"/app/{*.pdb,*.xml,libtorch*.so*,libc10*.so*,Microsoft.CodeCoverage,onnxruntime.dll,*.dylib,libmscordaccore.so,libmscordbi.so,createdump,*.dbg,lib_lightgbm.so}
cp benchmarks/pytorch_twin.py "$work/app/"
mkdir -p "$work/app/gpu" && cp benchmarks/gpu/pytorch_gpu_twin.py benchmarks/gpu/device.sh "$work/app/gpu/"
if [ -n "$photos" ]; then cp -r "$photos" "$work/app/photos"; fi
if [ -n "$cifar" ]; then
  mkdir -p "$work/app/cifar10" && cp "$cifar/test.bin.gz" "$work/app/cifar10/"
  # Reading to the end keeps gunzip from a broken pipe.
  gunzip -c "$cifar/train.bin.gz" | { head -c $((3073 * 10000)); cat > /dev/null; } | gzip > "$work/app/cifar10/train.bin.gz"
fi
chmod -R u+w "$work/app"
tar -C "$work" -cf - app | xz -T0 -6 > "$out/app.tar.xz"
ls -l "$out/app.tar.xz"
