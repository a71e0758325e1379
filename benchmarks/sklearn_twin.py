#!/usr/bin/python3
"""scikit-learn's side of the kNN benchmark: KNeighborsClassifier by brute force on the features that the other side wrote.

    sklearn_twin.py FOLDER --k 20 --temperature 0.07 --metric cosine --threads 2

FOLDER holds bank.f32, bank.i64, queries.f32 and a shape.json. Predictions go to FOLDER/twin.i64; one line of JSON is printed.
Needs Debian's python3-sklearn.
"""
import argparse
import json
import os
import resource
import time

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--k", type=int, default=20)
parser.add_argument("--temperature", type=float, default=0.07)
parser.add_argument("--metric", choices=["cosine", "euclidean"], default="cosine")
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()

with open(os.path.join(args.folder, "shape.json")) as file:
    width = json.load(file)["width"]
bank = np.fromfile(os.path.join(args.folder, "bank.f32"), np.float32).reshape(-1, width)
labels = np.fromfile(os.path.join(args.folder, "bank.i64"), np.int64)
queries = np.fromfile(os.path.join(args.folder, "queries.f32"), np.float32).reshape(-1, width)

# On unit vectors the Euclidean neighbours are the same: |a-b|^2 = 2 - 2 cos.
similarity = (lambda d: 1 - d) if args.metric == "cosine" else (lambda d: 1 - d * d / 2)
start, busy = time.perf_counter(), time.process_time()
if args.metric == "euclidean":
    bank = bank / np.linalg.norm(bank, axis=1, keepdims=True)
    queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
classifier = KNeighborsClassifier(
    n_neighbors=args.k, algorithm="brute", metric=args.metric, n_jobs=args.threads,
    weights=lambda d: np.exp(similarity(d) / args.temperature))
classifier.fit(bank, labels)
predicted = classifier.predict(queries)
seconds, busy = time.perf_counter() - start, time.process_time() - busy
predicted.astype(np.int64).tofile(os.path.join(args.folder, "twin.i64"))
print(json.dumps({"seconds": seconds, "cpu_seconds": busy, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
