"""export.py NET.onnx IMAGES PREDICTED: the masks of dcs_predict, from the file. Images are at the size of the run."""
import os
import struct
import sys
import zlib

import numpy as np
import onnxruntime


def read_png(path):
    """A PNG of 8 bits a channel without interlacing, [height, width, channels]."""
    data = open(path, "rb").read()
    at, parts, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            parts += body
        at += 12 + length
    width, height, bits, colour = header[:4]
    assert bits == 8 and header[6] == 0, path
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    rows = np.frombuffer(zlib.decompress(parts), np.uint8).reshape(height, 1 + width * channels).astype(int)
    image = np.zeros((height, width * channels), np.int64)
    for y in range(height):
        above = image[y - 1] if y else np.zeros_like(image[0])
        for x in range(width * channels):
            a = image[y, x - channels] if x >= channels else 0
            b, c = above[x], above[x - channels] if x >= channels else 0
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            image[y, x] = (rows[y, 1 + x] + (0, a, b, (a + b) // 2, nearest)[rows[y, 0]]) % 256
    return image.reshape(height, width, channels)


net, images, predicted = sys.argv[1:]
session = onnxruntime.InferenceSession(net, providers=["CPUExecutionProvider"])
for name in sorted(os.listdir(images)):
    pixels = read_png(os.path.join(images, name))
    pixels = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]
    probability, boxes, scores = session.run(None, {"image": ((pixels / 255 - 0.5) / 0.5).astype(np.float32)[None]})
    assert len(boxes) == len(scores), "a score for each box"
    mask = read_png(os.path.join(predicted, os.path.splitext(name)[0] + ".mask.png"))[..., 0] > 0
    probability = probability[0, ..., 0]
    different = (probability > 0.5) != mask
    # A pixel within rounding of a half may be on either side.
    if (np.abs(probability - 0.5)[different] > 1e-4).any():
        sys.exit(f"{name}: {different.sum()} pixels of the mask differ")
    print(f"{name}: {len(boxes)} boxes, {mask.sum()} pixels")
