#!/usr/bin/env bash
# Makes samples/Shared/FashionMnist: the first images of both halves of Fashion-MNIST, from the files of Debian's package.
# The same package gives the same files.
set -euo pipefail
cd "$(dirname "$0")/.."
train="${1:-5000}" test="${2:-1000}"
target=samples/Shared/FashionMnist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q dataset-fashion-mnist && dpkg-deb -x ./*.deb .)

number() { printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"; }

# An IDX file: a magic number, the count, for images their sides, then the records.
cut_file() {
  local name=$1 count=$2 header=$3 record=$4
  gzip -dc "$work/usr/share/datasets/fashion-mnist/$name.gz" > "$work/$name"
  {
    head -c 4 "$work/$name"
    number "$count"
    head -c "$header" "$work/$name" | tail -c +9
    tail -c "+$((header + 1))" "$work/$name" | head -c $((count * record)) || true
  } | gzip -9n > "$target/$name.gz"
}

cut_file train-images-idx3-ubyte "$train" 16 784
cut_file train-labels-idx1-ubyte "$train" 8 1
cut_file t10k-images-idx3-ubyte "$test" 16 784
cut_file t10k-labels-idx1-ubyte "$test" 8 1
