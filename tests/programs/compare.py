"""compare.py make A B: writes A/evaluation.json and B/evaluation.json of two made-up networks on the same twelve images.
compare.py check TABLE.csv REPLICATES SEED A B...: what dcs_compare wrote as CSV is computed again, from the definitions in docs/results.md.
compare.py figures RUN: so are the figures in RUN/evaluation.json, and its means, from its images."""
import csv
import itertools
import json
import math
import pathlib
import random
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "goldens"))
from philox import resampled  # noqa: E402

METRICS = ("dice", "iou", "precision", "recall", "hd95", "assd", "surface_dice")
RATES = (0.125, 0.25, 0.5, 1, 2, 4, 8)
STRATA = ("all", "small", "medium", "large")


def metrics(r, missed):
    values = dict.fromkeys(METRICS, 0) | {"hd95": 90.5, "assd": 90.5} if missed else {m: r.random() for m in METRICS} | {"hd95": 9 * r.random()}
    return values | {"missed": missed}


def made_up(skill, seed):
    truth, r = random.Random(1), random.Random(seed)
    images = []
    for i in range(12):
        lesions, predicted, true_boxes, boxes = [], [], [], []
        for k in range(truth.randrange(4) if i else 2):
            pixels = truth.choice((40, 400, 2000, 20000))
            x, y, side = truth.randrange(100), truth.randrange(100), math.isqrt(pixels) + 9
            true_boxes.append([x, y, x + side, y + side, pixels])
            found = r.random() < skill
            lesions.append(metrics(r, not found) | {"pixels": pixels, "match": len(predicted) if found else -1})
            if found:
                score = round(r.uniform(0.4, 1), 1)
                predicted.append({"pixels": int(pixels * r.uniform(0.5, 1.5)), "score": score, "match": k})
                boxes.append([x + r.randrange(3), y, x + side, y + side + r.randrange(9), score])
        for _ in range(r.randrange(3)):
            pixels, score = r.choice((30, 1500, 15000)), round(r.uniform(0.3, 0.9), 1)
            predicted.append({"pixels": pixels, "score": score, "match": -1})
            boxes.append([200, 200, 209 + math.isqrt(pixels), 209 + math.isqrt(pixels), score])
        count = [100 + truth.randrange(50) for _ in range(3)]
        calibration = {"pixels": count, "lesion": [truth.randrange(30) for _ in count], "probability": [c * r.uniform(0, 0.3) for c in count]}
        image = metrics(r, bool(lesions) and not predicted) | {"name": f"p{i // 2}_{i}.png", "group": f"p{i // 2}", "lesions": lesions,
                                                               "predicted_lesions": predicted, "true_boxes": true_boxes, "predicted_boxes": boxes,
                                                               "calibration": calibration}
        images.append(image)
    r.shuffle(images)
    settings = {"spacing": [1, 1], "tolerance": 1, "lesion_iou": 0.1, "sizes": [1024, 9216], "calibration_bins": 3, "replicates": 2000, "bootstrap_seed": 0,
                "level": 0.95}
    return {"split": "test", "boxes": "detected", "test_time_augmentation": False, "native_size": False, "settings": settings, "images": images}


def inside(stratum, pixels, sizes):
    return stratum == "all" or pixels > 0 and STRATA[1 + sum(pixels >= s for s in sizes)] == stratum


def ratio(a, b):
    return a / b if b else None


def froc(images, lesions, candidates, rate):
    points = [(0, 0)]
    for score in sorted({c[0] for c in candidates}, reverse=True):
        points.append((sum(s >= score and not hit for s, hit in candidates), sum(s >= score and hit for s, hit in candidates)))
    x = rate * images
    low = max(p for p in points if p[0] <= x)
    high = min((p for p in points if p[0] > x), default=None)
    hits = low[1] if high is None else low[1] + (high[1] - low[1]) * (x - low[0]) / (high[0] - low[0])
    return hits / lesions if lesions else None


def overlap(a, b):
    w, h = max(0, min(a[2], b[2]) - max(a[0], b[0])), max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def outcomes(image, stratum, sizes, threshold):
    """Of each predicted box that counts: its place in the order of all, by score, then image, and whether it is right."""
    free, out = list(image["true_boxes"]), []
    for p in sorted(image["predicted_boxes"], key=lambda b: -b[4])[:100]:
        fits = [t for t in free if overlap(p, t) >= threshold]
        fits = [t for t in fits if inside(stratum, t[4], sizes)] or fits
        if fits:
            best = max(reversed(fits), key=lambda t: overlap(p, t))
            free.remove(best)
            if inside(stratum, best[4], sizes):
                out.append(((-p[4], image["name"], len(out)), True))
        elif inside(stratum, max(1, p[2] - p[0] - 9) * max(1, p[3] - p[1] - 9), sizes):
            out.append(((-p[4], image["name"], len(out)), False))
    return out


def average_precision(per_image, wanted):
    if not wanted:
        return None
    found = sorted(o for image in per_image for o in image)
    right, curve = 0, []
    for k, (_, hit) in enumerate(found):
        right += hit
        curve.append((right / wanted, right / (k + 1)))
    return sum(max((p for recall, p in curve if recall >= min(1, step * 0.01)), default=0) for step in range(101)) / 101


def figures_of(images, sizes, chosen=None):
    """(figure, stratum): value of a list of images, in which one may be several times."""
    out = {}
    for stratum in STRATA:
        def put(name, f):
            if chosen is None or (name, stratum) in chosen:
                out[name, stratum] = f()
        here = [i for i in images if inside(stratum, max((t["pixels"] for t in i["lesions"]), default=0), sizes)]
        lesions = [t for i in images for t in i["lesions"] if inside(stratum, t["pixels"], sizes)]
        for m in METRICS:
            put(f"image.{m}", lambda: ratio(sum(i[m] for i in here), len(here)))
            put(f"lesion.{m}", lambda: ratio(sum(t[m] for t in lesions), len(lesions)))
        hits, n = sum(t["match"] >= 0 for t in lesions), len(lesions)
        candidates = [(p["score"], p["match"] >= 0) for i in images for p in i["predicted_lesions"]
                      if inside(stratum, i["lesions"][p["match"]]["pixels"] if p["match"] >= 0 else p["pixels"], sizes)]
        put("detection.sensitivity", lambda: ratio(hits, n))
        put("detection.precision", lambda: hits / len(candidates) if candidates else 0 if n else None)
        put("detection.f1", lambda: ratio(2 * hits, n + len(candidates)))
        for rate in RATES:
            put(f"detection.froc_{rate}", lambda: froc(len(images), n, candidates, rate))
        put("detection.froc_mean", lambda: sum(froc(len(images), n, candidates, rate) for rate in RATES) / 7 if n else None)
        wanted = sum(inside(stratum, t[4], sizes) for i in images for t in i["true_boxes"])
        at = lambda k: average_precision([outcomes(i, stratum, sizes, 0.5 + 0.05 * k) for i in images], wanted)  # noqa: E731
        put("box.ap50", lambda: at(0))
        put("box.ap", lambda: sum(at(k) for k in range(10)) / 10 if wanted else None)
        bins = range(len(images[0]["calibration"]["pixels"]))
        total = lambda key, k: sum(i["calibration"][key][k] for i in here)  # noqa: E731
        put("pixel.ece", lambda: ratio(sum(abs(total("probability", k) - total("lesion", k)) for k in bins), sum(total("pixels", k) for k in bins)))
    return out


def interval(values):
    v = sorted(x for x in values if x is not None)
    at = [q * (len(v) - 1) for q in (0.025, 0.975)]
    return [v[int(a)] + (v[min(int(a) + 1, len(v) - 1)] - v[int(a)]) * (a - int(a)) for a in at]


def signed_rank_p(differences):
    d = [x for x in differences if x != 0]
    ranks = [sum(abs(y) < abs(x) for y in d) + (sum(abs(y) == abs(x) for y in d) + 1) / 2 for x in d]
    got = sum(r for r, x in zip(ranks, d) if x > 0)
    sums = [sum(r for r, sign in zip(ranks, signs) if sign) for signs in itertools.product((0, 1), repeat=len(d))]
    return min(1, 2 * min(sum(s <= got for s in sums), sum(s >= got for s in sums)) / len(sums)), len(d)


def near(what, got, want):
    if (got is None) != (want is None) or got is not None and not abs(float(got) - want) <= 1e-9 * (1 + abs(want)):
        sys.exit(f"{what} is {got}, expected {want}")


class runs:
    """Evaluations, and their figures in the resampled sets."""

    def __init__(self, paths, replicates, seed):
        stored = [json.loads((pathlib.Path(p) / "evaluation.json").read_text()) for p in paths]
        self.sizes = stored[0]["settings"]["sizes"]
        self.images = [sorted(s["images"], key=lambda i: i["name"]) for s in stored]
        names = [i.get("group", i["name"]) for i in self.images[0]]
        self.groups = list(dict.fromkeys(names))
        self.members = [[k for k, name in enumerate(names) if name == g] for g in self.groups]
        draws = [[k for g in resampled(seed, r, len(self.groups)) for k in self.members[g]] for r in range(replicates)]
        self.value = [figures_of(i, self.sizes) for i in self.images]
        self.drawn = [[figures_of([i[k] for k in d], self.sizes) for d in draws] for i in self.images]

    def difference(self, key, run):
        pairs = [(a[key], b[key]) for a, b in zip(self.drawn[0], self.drawn[run])]
        return self.value[run][key] - self.value[0][key], interval([b - a if a is not None and b is not None else None for a, b in pairs])

    def test(self, key, run):
        of = lambda r, g: figures_of([self.images[r][k] for k in g], self.sizes, {key})[key]  # noqa: E731
        pairs = [(of(0, g), of(run, g)) for g in self.members]
        pairs = [(a, b) for a, b in pairs if a is not None and b is not None]
        largest = max((abs(x) for pair in pairs for x in pair), default=0)
        if largest == 0:
            return 1, 0
        step = 2.0 ** (math.frexp(largest)[1] - 1 - 40)  # what is equal but for rounding is equal
        return signed_rank_p([round((b - a) / step) for a, b in pairs])


def check(table, replicates, seed, *paths):
    expected, rows = runs(paths, int(replicates), int(seed)), 0
    for row in csv.DictReader(open(table, newline="")):
        key, run = (row["figure"], row["stratum"]), paths.index(row["run"])
        what, rows = f"{key} of {row['run']}", rows + 1
        value = expected.value[run][key]
        near(what, row["value"] or None, value)
        if value is not None:
            for end, want in zip(("low", "high"), interval([d[key] for d in expected.drawn[run]])):
                near(f"{what}, {end}", row[end], want)
        if run == 0 or value is None or expected.value[0][key] is None:
            near(what, row["difference"] or None, None)
            continue
        difference, (low, high) = expected.difference(key, run)
        for name, want in (("difference", difference), ("difference_low", low), ("difference_high", high)):
            near(f"{what}, {name}", row[name], want)
        if key[0].split(".")[0] in ("image", "lesion") or key[0] == "detection.sensitivity":
            p, pairs = expected.test(key, run)
            near(f"{what}, p", row["p"], p)
            near(f"{what}, pairs", row["pairs"], pairs)
        else:
            near(f"{what}, p", row["p"] or None, None)
    defined = {key for value in expected.value for key, v in value.items() if v is not None}
    assert rows == len(defined) * len(paths) > 50 * len(paths), (rows, len(defined))


def figures(run):
    stored = json.loads((pathlib.Path(run) / "evaluation.json").read_text())
    expected = runs([run], stored["settings"]["replicates"], stored["settings"]["bootstrap_seed"])
    found = {(f["figure"], f["stratum"]): f for f in stored["figures"]}
    assert set(found) == {key for key, value in expected.value[0].items() if value is not None}
    for key, f in found.items():
        for end, want in zip(("value", "low", "high"), (expected.value[0][key], *interval([d[key] for d in expected.drawn[0]]))):
            near(f"{key}, {end}", f[end], want)
    for m in METRICS:
        near(m, stored["mean"][m], found[f"image.{m}", "all"]["value"])
    for image in stored["images"]:
        assert image["detections"] >= 0
        assert sum(t["pixels"] for t in image["lesions"]) == sum(image["calibration"]["lesion"])
        assert image["missed"] is (image["recall"] == 0 and bool(image["lesions"]))
    print(len(found), "figures")


if sys.argv[1] == "make":
    for path, skill, seed in zip(sys.argv[2:], (0.5, 0.8), (2, 3)):
        pathlib.Path(path).mkdir(exist_ok=True)
        (pathlib.Path(path) / "evaluation.json").write_text(json.dumps(made_up(skill, seed)))
else:
    {"check": check, "figures": figures}[sys.argv[1]](*sys.argv[2:])
