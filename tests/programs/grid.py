"""grid.py write FROM [TO KEY VALUE]: a grid of two networks and two seeds as FROM; or the grid FROM with another value of a key, as TO.
grid.py tables FILE FORMAT GRID: the tables of a grid have the means and sample deviations over seeds of the evaluations of its runs.
grid.py folds FILE RUN...: a table's only row has the means and sample deviations over these runs.
"""
import csv, json, os, re, statistics, sys

FIGURES = [("dice", 100, max), ("iou", 100, max), ("precision", 100, max), ("hd95", 1, min)]


def write(path, to=None, key=None, value=None):
    if to is None:
        grid = {"out": "runs", "sets": {"mri": {"data": "set"}}, "seeds": [1, 2],
                "train": {"size": 64, "epochs": 1, "rate": 0.001, "batch": 4, "no-augment": True}, "evaluate": {"overlays": 0},
                "networks": {"a": {"net": "small-scratch", "labels": {"Category": "Ours", "Model": "A & _a"}},
                             "b": {"net": "small-scratch", "labels": {"Category": "Ours"}, "train": {"no-augment": False, "epochs": 2}}},
                "tables": [{"title": "Table 2: a | b", "labels": ["Category", "Model"], "cost": True}, {"title": "One", "networks": ["b"]}]}
    else:
        grid = json.load(open(path)) | {key: json.loads(value)}
    json.dump(grid, open(to or path, "w"))


def numbers(runs):
    """Of each figure its values of the runs."""
    means = [json.load(open(r + "/evaluation.json"))["mean"] for r in runs]
    return [[scale * m[key] for m in means] for key, scale, _ in FIGURES]


def cell(values):
    return f"{statistics.mean(values):.2f}" + (f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else "")


def rows(grid):
    """Of each network the values of its seeds."""
    return {n: numbers([f"{grid['out']}/mri/{n}/seed{s}" for s in grid["seeds"]]) for n in grid["networks"]}


def tables(path, form, grid):
    grid = json.load(open(grid))
    of, text = rows(grid), open(path).read()
    bold = {(n, k) for k, (_, _, best) in enumerate(FIGURES) for n in of
            if statistics.mean(of[n][k]) == best(statistics.mean(of[m][k]) for m in of)}
    if form == "csv":
        read = list(csv.DictReader(open(path)))
        assert [r["table"] for r in read] == ["Table 2: a | b"] * 12 + ["One"] * 4
        for n in of:
            for k, (key, _, _) in enumerate(FIGURES):
                found = [r for r in read if r["network"] == n and r["figure"] == key and r["table"] != "One"]
                assert len(found) == 1 and found[0]["done"] == found[0]["runs"] == "2"
                assert abs(float(found[0]["mean"]) - statistics.mean(of[n][k])) < 1e-9 and abs(float(found[0]["deviation"]) - statistics.stdev(of[n][k])) < 1e-9
        return
    costs = open("runs/costs/small-scratch-64.txt").read()
    parameters, work = map(int, re.search(r"^total +(\d+) +(\d+)$", costs, re.M).groups())
    cost = [f"{parameters / 1e6:.2f}M", f"{work / 1e9:.2f}"]
    both = {}
    for n in of:
        both[n] = [cell(v) for v in of[n]]
    if form == "markdown":
        mark = lambda n: [f"**{c}**" if (n, k) in bold else c for k, c in enumerate(both[n])]
        want = ["Table 2: a \\| b", "", "| Category | Model | Dice ↑ | IoU ↑ | Precision ↑ | 95HD ↓ | Params | GFLOPs |", "|" + "---|" * 8,
                "| " + " | ".join(["Ours", "A \\& \\_a", *mark("a"), *cost]) + " |", "| " + " | ".join(["", "b", *mark("b"), *cost]) + " |", "", "One", "",
                "| Model | Dice ↑ | IoU ↑ | Precision ↑ | 95HD ↓ |", "|" + "---|" * 5, "| " + " | ".join(["b", *both["b"]]) + " |"]
        assert text.splitlines() == want, (text, want)
    else:
        mark = lambda n: [f"\\textbf{{{c}}}" if (n, k) in bold else c for k, c in enumerate(c.replace(" ± ", " $\\pm$ ") for c in both[n])]
        assert " & ".join(["Ours", "A \\& \\_a", *mark("a"), *cost]) + " \\\\" in text.splitlines(), text
        assert "Category & Model & Dice $\\uparrow$ & IoU $\\uparrow$ & Precision $\\uparrow$ & 95HD $\\downarrow$ & Params & GFLOPs \\\\" in text.splitlines()


def folds(path, *runs):
    cells = open(path).read().splitlines()[-1].strip("| ").split(" | ")
    assert cells[1:] == [cell(v) for v in numbers(runs)], cells


{"write": write, "tables": tables, "folds": folds}[sys.argv[1]](*sys.argv[2:])
