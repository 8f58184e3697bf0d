"""check_events.py RUN: TensorBoard reads a run's event file, and finds in it the numbers of results.csv. Exit code 77 where tensorboard is not installed."""
import csv, math, sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    sys.exit(77)
log = EventAccumulator(sys.argv[1] + "/events.out.tfevents.dcs")
log.Reload()
rows = list(csv.DictReader(open(sys.argv[1] + "/results.csv")))
for tag, column in (("train/total", "total"), ("validation/total", "val_total"), ("validation/dice", "dice"), ("validation/hd95", "hd95"), ("rate", "rate")):
    found = log.Scalars(tag)
    assert [e.step for e in found] == [int(r["epoch"]) for r in rows], tag
    for e, row in zip(found, rows):
        assert math.isclose(e.value, float(row[column]), rel_tol=1e-6), (tag, e.value, row[column])
