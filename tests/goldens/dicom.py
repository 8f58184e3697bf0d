"""Writes dicom/: three small series and their segmentation by pydicom 3.0.2 (compressed ones by dcmcjpeg and dcmcjpls of DCMTK 3.6.7), and the same
values and labels as NIfTI volumes, so that a test can compare what is converted from both.

    python tests/goldens/dicom.py        (needs pydicom, numpy, and Debian's dcmtk)

    A  CT, 16 bits signed, slices stored in reverse; two segments. States the window 100, 200
    B  MONOCHROME1, 8 bits, RLE; positions are along -z, and InstanceNumber contradicts them
    C  12 bits; a slice each in JPEG lossless, JPEG-LS and implicit VR
"""
import pathlib
import shutil
import struct
import subprocess

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

root = pathlib.Path(__file__).parent / "dicom"
shutil.rmtree(root, ignore_errors=True)
for folder in ("images/A", "images/B", "images/C", "segmentations", "nifti/images", "nifti/labels"):
  (root / folder).mkdir(parents=True)
rows, columns = 6, 9
window = (100, 200)
segmentation_class, image_class = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.7"
uid = lambda *numbers: "1.2.826.0.1.3680043.10.1." + ".".join(map(str, numbers))
rng = np.random.default_rng(3)


def dataset(kind, instance, patient, syntax=ExplicitVRLittleEndian):
  meta = FileMetaDataset()
  meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = kind, instance, syntax
  d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
  d.SOPClassUID, d.SOPInstanceUID, d.PatientID = kind, instance, patient
  d.StudyInstanceUID, d.Rows, d.Columns, d.SamplesPerPixel = uid(1), rows, columns, 1
  return d


def image(patient, number, k, stored, used, slope, intercept, heights, syntax=ExplicitVRLittleEndian):
  """Slice k of a series; `stored` are its numbers."""
  d = dataset(image_class, uid(2, number, k), patient, syntax)
  d.SeriesInstanceUID, d.Modality, d.InstanceNumber = uid(3, number), "CT", k + 1
  d.PhotometricInterpretation = "MONOCHROME1" if patient == "B" else "MONOCHROME2"
  d.BitsAllocated, d.BitsStored, d.HighBit = stored.dtype.itemsize * 8, used, used - 1
  d.PixelRepresentation = int(stored.dtype.kind == "i")
  d.RescaleSlope, d.RescaleIntercept = slope, intercept
  d.PixelSpacing, d.ImageOrientationPatient, d.ImagePositionPatient = [0.75, 0.5], [1, 0, 0, 0, 1, 0], [-4, 7, heights[k]]
  if patient == "A":
    d.WindowCenter, d.WindowWidth = window
  d.PixelData = stored.tobytes()
  return d


def nifti(path, values):
  """f32, little-endian, of values (slice, row, column)."""
  header = bytearray(352)
  struct.pack_into("<i", header, 0, 348)
  struct.pack_into("<8h", header, 40, 3, columns, rows, len(values), 1, 1, 1, 1)
  struct.pack_into("<2h", header, 70, 16, 32)
  struct.pack_into("<8f", header, 76, 1, 0.5, 0.75, 3, 1, 1, 1, 1)
  struct.pack_into("<f", header, 108, 352)
  header[123] = 2
  header[344:348] = b"n+1\0"
  path.write_bytes(bytes(header) + np.asarray(values, "<f4").tobytes())


def series(patient, number, slices, dtype, used, slope, intercept, heights):
  """The series' images, and their values in the order of their positions."""
  low, high = (-200, 400) if np.dtype(dtype).kind == "i" else (0, min(255, 2 ** used))
  images, values = [], {}
  for k in range(slices):
    stored = rng.integers(low, high, (rows, columns)).astype(dtype)
    images.append(image(patient, number, k, stored, used, slope, intercept, heights))
    values[heights[k]] = slope * stored.astype(float) + intercept
  return images, [values[h] for h in sorted(values)]


def frame(instance, segment):
  f = Dataset()
  f.DerivationImageSequence, f.SegmentIdentificationSequence = Sequence([Dataset()]), Sequence([Dataset()])
  f.DerivationImageSequence[0].SourceImageSequence = Sequence([Dataset()])
  f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPClassUID = image_class
  f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = instance
  f.SegmentIdentificationSequence[0].ReferencedSegmentNumber = segment
  return f


def segmentation(name, frames):
  """A SEG of (SOPInstanceUID, segment, mask)."""
  d = dataset(segmentation_class, uid(4, ord(name)), name)
  d.SeriesInstanceUID, d.Modality, d.SegmentationType = uid(5, ord(name)), "SEG", "BINARY"
  d.PhotometricInterpretation, d.PixelRepresentation = "MONOCHROME2", 0
  d.BitsAllocated, d.BitsStored, d.HighBit, d.NumberOfFrames = 1, 1, 0, len(frames)
  d.SegmentSequence = Sequence([Dataset(), Dataset()])
  for s, label in enumerate(("Lesion", "Organ")):
    d.SegmentSequence[s].SegmentNumber, d.SegmentSequence[s].SegmentLabel = s + 1, label
  d.PerFrameFunctionalGroupsSequence = Sequence([frame(i, s) for i, s, _ in frames])
  bits = np.packbits(np.concatenate([m.ravel() for _, _, m in frames]), bitorder="little").tobytes()
  d.PixelData = bits + b"\0" * (len(bits) % 2)
  d.save_as(root / "segmentations" / f"{name}.dcm", enforce_file_format=True)


def mask(y, x, height, width):
  m = np.zeros((rows, columns), np.uint8)
  m[y:y + height, x:x + width] = 1
  return m


images, values = series("A", 1, 4, "<i2", 16, 0.5, -3, [9, 6, 3, 0])
for k, d in enumerate(images):
  d.save_as(root / "images/A" / f"{k}.dcm", enforce_file_format=True)
# Frames in no order; segment 2 first.
lesion, organ = mask(1, 3, 2, 4), mask(4, 0, 2, 9)
segmentation("A", [(images[1].SOPInstanceUID, 2, organ), (images[2].SOPInstanceUID, 1, lesion), (images[1].SOPInstanceUID, 1, lesion)])
labels = np.zeros((4, rows, columns))
labels[1], labels[2] = lesion, lesion + 2 * organ
nifti(root / "nifti/images/A.nii", values), nifti(root / "nifti/labels/A.nii", labels)

images, values = series("B", 2, 3, "u1", 8, 1, 0, [-6, 0, -3])
for k, d in enumerate(images):
  d.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
  d.save_as(root / "images/B" / f"IM.{k}", enforce_file_format=True)
segmentation("B", [(images[2].SOPInstanceUID, 1, lesion)])
labels = np.zeros((3, rows, columns))
labels[1] = lesion
# MONOCHROME1: values mirrored at the window's centre.
nifti(root / "nifti/images/B.nii", [2 * window[0] - v for v in values]), nifti(root / "nifti/labels/B.nii", labels)

images, values = series("C", 3, 3, "<u2", 12, 1, -20, [0, 3, 6])
path = [root / "images/C" / f"{k}.dcm" for k in range(3)]
for k, d in enumerate(images):
  if k == 2:
    d.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
  d.save_as(path[k], enforce_file_format=True)
for k, command in enumerate((["dcmcjpeg", "+e1", "--uid-never"], ["dcmcjpls", "--uid-never"])):
  subprocess.run([*command, path[k], path[k]], check=True)
segmentation("C", [(images[0].SOPInstanceUID, 1, lesion), (images[2].SOPInstanceUID, 2, organ)])
labels = np.zeros((3, rows, columns))
labels[0], labels[2] = lesion, 2 * organ
nifti(root / "nifti/images/C.nii", values), nifti(root / "nifti/labels/C.nii", labels)
