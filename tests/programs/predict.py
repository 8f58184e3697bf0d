"""predict.py check OUT IMAGES ROW_MM COLUMN_MM KIND: predictions.json, coco.json and lesions.csv are what follows from the masks and probabilities in OUT.
predict.py volume IMAGES VOLUME: the images of a folder, as slices of a volume whose header is of the other byte order.
predict.py unequal VOLUME IMAGES: a volume of 5 × 7 × 9 voxels, and its slices across the first axis as images of a folder.
predict.py compare_unequal VOLUME OUT OF_IMAGES: what was found in those slices is what was found in the images, slice by slice.
predict.py compare_volume VOLUME OUT OF_IMAGES IMAGES: mask and probabilities of the volume are those of its slices as images, in its place.
"""
import csv, gzip, json, math, os, struct, sys, zlib


def read_png(path):
    """Rows of samples of a grey PNG of 8 or 16 bits."""
    data = open(path, "rb").read()
    at, idat = 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + n]
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT":
            idat += body
        at += 12 + n
    channels = {0: 1, 2: 3}[colour]
    unit = bits // 8 * channels
    raw, rows, before = zlib.decompress(idat), [], bytearray(width * unit)
    for y in range(height):
        start = y * (width * unit + 1)
        filter_, line = raw[start], bytearray(raw[start + 1:start + 1 + width * unit])
        for i in range(len(line)):
            a, b, c = (line[i - unit] if i >= unit else 0), before[i], (before[i - unit] if i >= unit else 0)
            p = a + b - c
            paeth = min((a, b, c), key=lambda v: abs(p - v))
            line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[filter_]) & 255
        before = line
        rows.append([int.from_bytes(line[x * unit:x * unit + bits // 8], "big") for x in range(width)])
    return rows


def read_npy(path):
    data = open(path, "rb").read()
    head = 10 + struct.unpack("<H", data[8:10])[0]
    shape = eval(data[10:head])["shape"]
    values = struct.unpack(f"<{shape[0] * shape[1]}f", data[head:])
    return [values[y * shape[1]:(y + 1) * shape[1]] for y in range(shape[0])]


def components(mask):
    """The 8-connected components, each a list of (y, x), by first pixel."""
    left, found = {(y, x) for y, row in enumerate(mask) for x, v in enumerate(row) if v}, []
    for y, row in enumerate(mask):
        for x in range(len(row)):
            if (y, x) not in left:
                continue
            stack, one = [(y, x)], []
            left.discard((y, x))
            while stack:
                v, u = stack.pop()
                one.append((v, u))
                for q in [(v + i, u + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]:
                    if q in left:
                        left.discard(q)
                        stack.append(q)
            found.append(one)
    return found


def near(a, b, tolerance=1e-3):
    assert math.isclose(float(a), float(b), rel_tol=tolerance, abs_tol=tolerance), (a, b)


def decoded(text):
    """COCO's runs of a text."""
    runs, at = [], 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            c = ord(text[at]) - 48
            value |= (c & 31) << shift
            more, at, shift = c & 32, at + 1, shift + 5
            if not more and c & 16:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


def check(out, count, row_mm, column_mm, kind):
    entries = json.load(open(out + "/predictions.json"))["images"]
    coco = json.load(open(out + "/coco.json"))
    table = list(csv.DictReader(open(out + "/lesions.csv", newline="")))
    assert len(entries) == len(coco["images"]) == count, len(entries)
    at = 0
    for e, image in zip(entries, coco["images"]):
        name = os.path.splitext(os.path.basename(e["image"]))[0]
        mask = read_png(f"{out}/{name}.mask.png")
        p = [[v / 65535 for v in row] for row in read_png(f"{out}/{name}.probability.png")] if kind == "png" else read_npy(f"{out}/{name}.probability.npy")
        assert e["image"].endswith(image["file_name"]) and (e["height"], e["width"]) == (len(mask), len(mask[0])) == (image["height"], image["width"])
        assert e["spacing"] == [row_mm, column_mm], e["spacing"]
        assert all((v > 0.5) == (m == 255) for a, b in zip(p, mask) for v, m in zip(a, b) if abs(v - 0.5) > 1e-4)
        for d in e["detections"]:
            x1, y1, x2, y2 = d["box"]
            assert 0 <= x1 < x2 <= e["width"] and 0 <= y1 < y2 <= e["height"] and 0 < d["score"] <= 1
        lesions = components(mask)
        annotations = [a for a in coco["annotations"] if a["image_id"] == image["id"]]
        assert len(lesions) == len(e["lesions"]) == len(annotations)
        for k, (pixels, l, a) in enumerate(zip(lesions, e["lesions"], annotations)):
            row = table[at]
            at += 1
            assert row["image"] == e["image"] and row["lesion"] == str(k + 1) and row["slice"] == ""
            ys, xs = [y for y, _ in pixels], [x for _, x in pixels]
            n = len(pixels)
            assert l["pixels"] == a["area"] == int(row["area_pixels"]) == n
            assert l["box"] == [min(xs), min(ys), max(xs) + 1, max(ys) + 1]
            assert a["bbox"] == [min(xs), min(ys), max(xs) + 1 - min(xs), max(ys) + 1 - min(ys)]
            near(row["centre_x"], sum(xs) / n), near(row["centre_y"], sum(ys) / n), near(l["centre"][0], sum(xs) / n), near(l["centre"][1], sum(ys) / n)
            score = sum(p[y][x] for y, x in pixels) / n
            for s in (row["score"], l["score"], a["score"]):
                near(s, score)
            for key, s in (("diameter_pixels", (1, 1)), ("diameter_mm", (row_mm, column_mm))):
                longest = max(math.hypot(s[0] * (y - v), s[1] * (x - u)) for y, x in pixels for v, u in pixels)
                near(row[key], longest), near(l[key], longest)
            near(row["area_mm2"], n * row_mm * column_mm), near(l["area_mm2"], n * row_mm * column_mm)
            runs, position, own = decoded(a["segmentation"]["counts"]), 0, set()
            assert a["segmentation"]["size"] == [len(mask), len(mask[0])] and sum(runs) == len(mask) * len(mask[0])
            for i, r in enumerate(runs):
                if i % 2:
                    own |= {(q % len(mask), q // len(mask)) for q in range(position, position + r)}
                position += r
            assert own == set(pixels)
    assert at == len(table) == len(coco["annotations"])


def images_of(folder):
    return [read_png(f"{folder}/{name}") for name in sorted(os.listdir(folder))]


def write_volume(slices, path):
    height, width = len(slices[0]), len(slices[0][0])
    head = bytearray(348)
    put = lambda at, form, *v: struct.pack_into(">" + form, head, at, *v)
    put(0, "i", 348), put(40, "8h", 3, width, height, len(slices), 1, 1, 1, 1), put(70, "hh", 4, 16)
    put(76, "8f", -1, 0.75, 1.5, 3, 0, 0, 0, 0), put(108, "3f", 352, 1, 0), put(123, "B", 2), put(252, "hh", 1, 2)
    put(256, "6f", 0.1, 0.2, 0.3, -40, 50, 60), put(280, "12f", -0.75, 0, 0, 90, 0, 1.5, 0, -80, 0, 0, 3, 12)
    head[344:348] = b"n+1\0"
    voxels = b"".join(struct.pack(">h", v) for s in slices for row in s for v in row)
    open(path, "wb").write(gzip.compress(bytes(head) + bytes(4) + voxels, mtime=0))


def unequal(path, folder):
    from pictures import write_png
    os.makedirs(folder)
    # A bright box that grows from slice to slice, and a second one: no two slices have the same lesions.
    bright = lambda x, y, z: 1 <= x <= 3 and y < 1 + x and 2 <= z < 3 + x or x >= 3 and y >= 5 and z >= 7
    voxels = [[[250 if bright(x, y, z) else 20 + x + y + z for x in range(5)] for y in range(7)] for z in range(9)]
    write_volume(voxels, path)
    for x in range(5):
        write_png(f"{folder}/{x}.png", [[voxels[z][y][x] for y in range(7)] for z in range(9)], 8)


def compare_unequal(path, out, of_images):
    mask = gzip.decompress(open(f"{out}/volume.mask.nii.gz", "rb").read())[352:]
    for x in range(5):
        image = read_png(f"{of_images}/{x}.mask.png")
        for y in range(7):
            for z in range(9):
                assert (mask[x + 5 * (y + 7 * z)] > 0) == (image[z][y] > 0), (x, y, z)
    table, expected = (list(csv.DictReader(open(folder + "/lesions.csv", newline=""))) for folder in (out, of_images))
    assert {row["slice"] for row in table} == {"1", "2", "3", "4"}
    place = lambda row: [row[key] for key in ("lesion", "score", "centre_x", "centre_y", "area_pixels", "diameter_pixels")]
    assert [(row["slice"], place(row)) for row in table] == [(os.path.basename(row["image"])[:-4], place(row)) for row in expected]
    for row in table:  # rows of a slice are 3 mm apart, columns 1.5 mm
        assert row["image"] == path
        near(row["area_mm2"], int(row["area_pixels"]) * 4.5)


def compare_volume(path, out, of_images, folder):
    source = gzip.decompress(open(path, "rb").read())
    mask, p = (gzip.decompress(open(f"{out}/volume.{kind}.nii.gz", "rb").read()) for kind in ("mask", "probability"))
    for written, bytes_ in ((mask, 1), (p, 4)):
        for begin, end in ((0, 70), (76, 108), (123, 124), (252, 348)):
            assert written[begin:end] == source[begin:end], begin
        assert len(written) == 352 + len(source[352:]) // 2 * bytes_
    names = sorted(os.listdir(folder))
    slices = json.load(open(out + "/predictions.json"))["images"]
    assert [s["slice"] for s in slices] == list(range(len(names))) and all(s["spacing"] == [1.5, 0.75] for s in slices)
    assert json.load(open(out + "/coco.json"))["images"] == []
    at = 352
    values_of_volume = struct.unpack(f">{(len(p) - 352) // 4}f", p[352:])
    for k, name in enumerate(names):
        want, probability = read_png(f"{of_images}/{name[:-4]}.mask.png"), read_png(f"{of_images}/{name[:-4]}.probability.png")
        for row, values in zip(want, probability):
            # A window of 127.5, 255 leaves the grey of a slice as it is.
            assert [g > 0 for g in mask[at:at + len(row)]] == [w > 0 for w in row]
            assert all(abs(values_of_volume[at - 352 + i] - v / 65535) < 1e-5 for i, v in enumerate(values))
            at += len(row)
        assert os.path.exists(f"{out}/volume_{k:04}.overlay.png") == bool(slices[k]["lesions"])
    ones = sum(mask[352:])
    assert ones == sum(l["pixels"] for s in slices for l in s["lesions"]) > 0
    assert all((v > 0.5) == m for v, m in zip(values_of_volume, mask[352:]))


if sys.argv[1] == "check":
    check(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]), sys.argv[6])
elif sys.argv[1] == "volume":
    write_volume(images_of(sys.argv[2]), sys.argv[3])
elif sys.argv[1] == "unequal":
    unequal(*sys.argv[2:])
elif sys.argv[1] == "compare_unequal":
    compare_unequal(*sys.argv[2:])
else:
    compare_volume(*sys.argv[2:])
