"""Writes a set of noisy squares for the tests of the programs.

Usage: python3 pictures.py SET SIDE LESION [BITS [LABEL [LARGEST]]]: images of SIDE × SIDE pixels with a lesion of LESION × LESION; masks of BITS bits (8 or
16) with LABEL on black; images of BITS bits with samples up to LARGEST.
"""
import os
import random
import struct
import sys
import zlib


def write_png(path, rows, bits):
  def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

  raw = b"".join(b"\0" + struct.pack(f">{len(r)}{'H' if bits == 16 else 'B'}", *r) for r in rows)
  header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), bits, 0, 0, 0, 0)
  with open(path, "wb") as f:
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def main(folder, side, lesion, bits=8, label=255, largest=255):
  side, lesion, bits, label, largest = int(side), int(lesion), int(bits), int(label), int(largest)
  r = random.Random(1)
  name = 0
  for split, count in (("train", 4), ("val", 1), ("test", 2)):
    for kind in ("images", "masks"):
      os.makedirs(f"{folder}/{split}/{kind}")
    for _ in range(count):
      y, x = r.randrange(side // 4, side // 2), r.randrange(side // 4, side // 2)
      inside = lambda i, j: y <= i < y + lesion and x <= j < x + lesion
      image = [[int(largest * (0.8 if inside(i, j) else 0.2 + 0.2 * r.random())) for j in range(side)] for i in range(side)]
      image[0][0], image[0][1] = 0, largest
      write_png(f"{folder}/{split}/images/{name:02}.png", image, bits)
      write_png(f"{folder}/{split}/masks/{name:02}.png", [[label if inside(i, j) else 0 for j in range(side)] for i in range(side)], bits)
      name += 1


if __name__ == "__main__":
  main(*sys.argv[1:])
