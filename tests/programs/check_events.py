"""check_events.py RUN: TensorBoard reads a run's event file, and finds in it the numbers of results.csv and overlays of its two validation images. Exit code 77 where tensorboard is not installed."""
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
images = log.Tags()["images"]
assert len(images) == 2 and all(tag.startswith("overlays/") for tag in images), images
for tag in images:
    found = log.Images(tag)
    assert [e.step for e in found] == [int(r["epoch"]) for r in rows], tag
    for e in found:
        size = [int.from_bytes(e.encoded_image_string[at : at + 4], "big") for at in (16, 20)]
        assert e.encoded_image_string[:8] == b"\x89PNG\r\n\x1a\n" and size == [e.width, e.height] == [128, 128], size
