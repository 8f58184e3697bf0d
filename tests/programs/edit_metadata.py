# edit_metadata.py FILE KEY [VALUE]: sets an entry of a safetensors file's metadata, or removes it, and leaves its tensors as they are.
import json, struct, sys

path, key, value = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(path, "rb") as f:
    size = struct.unpack("<Q", f.read(8))[0]
    header = json.loads(f.read(size))
    tensors = f.read()
if value:
    header["__metadata__"][key] = value[0]
else:
    del header["__metadata__"][key]
text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
text += b" " * (-len(text) % 8)
with open(path, "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + tensors)
