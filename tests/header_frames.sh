#!/usr/bin/env bash
# header_frames.sh SOURCE [--write]: every header with code stands between core/header_begin.inl and core/header_end.inl with DCS_EXACT_MATH before its code,
# includes no header of the system after that, and asks core/finite.hpp, not the standard library, whether a number is finite. --write inserts what is missing.
set -euo pipefail
python3 - "$@" <<'EOF_PYTHON'
import pathlib, re, sys

root = pathlib.Path(sys.argv[1]) / "include"
write = "--write" in sys.argv
begin, end, math = "#include <dcs/core/header_begin.inl>", "#include <dcs/core/header_end.inl>", "DCS_EXACT_MATH"
code = re.compile(r"namespace |#define DCS_(ISA|KERNELS|INLINE|SIMD_INLINE) |template <|class |struct |inline |constexpr ")
finite = {"std::isfinite(": "is_finite(", "std::isnan(": "is_nan("}
unwanted = re.compile(r"\bstd::(isfinite|isnan|isinf|isnormal|fpclassify)\b|\b__builtin_(isnan|isfinite|isinf)\b")
count = 0
faults = []


def framed(text):
    lines = [line for line in text.rstrip("\n").split("\n") if line not in (begin, end, math)]
    once = lines.index("#pragma once")
    first = next(i for i, line in enumerate(lines) if i > once and code.match(line))
    body = lines[once + 1 : first]
    while body and body[0] == "":
        body.pop(0)
    lines = lines[: once + 1] + ["", begin, ""] + body + [math] + lines[first:]
    while lines[-1] == "":
        lines.pop()
    return re.sub(r"\n\n\n+", "\n\n", "\n".join(lines + ["", end]) + "\n")


for path in sorted(root.rglob("*")):
    if path.suffix not in (".hpp", ".cuh", ".inl"):
        continue
    name, text = str(path.relative_to(root)), path.read_text()
    if write and any(old in text for old in finite):
        for old, new in finite.items():
            text = text.replace(old, new)
        if "#pragma once" in text and "<dcs/core/finite.hpp>" not in text:
            ours = [line for line in text.split("\n") if line.startswith("#include <dcs/") and line.endswith((".hpp>", ".cuh>"))]
            after = [line for line in ours if line < "#include <dcs/core/finite.hpp>"]
            if after:
                text = text.replace(after[-1] + "\n", after[-1] + "\n#include <dcs/core/finite.hpp>\n", 1)
            else:
                text = text.replace("#pragma once\n\n", "#pragma once\n\n#include <dcs/core/finite.hpp>\n" + ("" if ours else "\n"), 1)
        path.write_text(text)
    for match in unwanted.finditer(text):
        faults.append(f"{name}: {match.group(0)}: is_finite or is_nan of core/finite.hpp knows under any flags")
    if path.suffix == ".inl":
        continue
    body = text.split("#pragma once\n", 1)[1]
    if not any(code.match(line) for line in body.split("\n")):
        continue  # includes alone
    count += 1
    wanted = framed(text)
    if text != wanted:
        if write:
            path.write_text(wanted)
        else:
            faults.append(f"{name}: {begin}, {math} before the code, {end} at the end")
    late = re.search(r"^#include <(?!dcs/).*>$", wanted.split("\n" + math + "\n", 1)[1], re.M)
    if late:
        faults.append(f"{name}: {late.group(0)} comes after {math}: it would be compiled with other flags than the program's")

print(*faults, f"{count} headers", sep="\n")
sys.exit(bool(faults) or count == 0)
EOF_PYTHON
