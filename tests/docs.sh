#!/usr/bin/env bash
# docs.sh COMPILER SOURCE: the C++ of README and of the pages in docs/ and .github/ compiles, each page by itself, as its reader sees it:
#   ```cpp            what stands in a file
#   ```cpp main       statements of a function of their own
#   ```cpp continued  further statements of the function before
# Code after any other word (a file's name, sketch) is not compiled. <!-- assumed: CODE --> right before a piece is code that it needs. Links to files must
# lead to a file.
set -euo pipefail
python3 - "$@" <<'EOF_PYTHON'
import pathlib, re, subprocess, sys

compiler, source = sys.argv[1], pathlib.Path(sys.argv[2])
pages = [source / "README.md", source / "include/dcs/ops/README.md", *sorted((source / "docs").glob("*.md")), *sorted((source / ".github").glob("*.md"))]
block = re.compile(r"(?:^<!-- assumed: (.*?) -->\n+)?^```cpp(?: (\S+))?\n(.*?)^```$", re.M | re.S)
link = re.compile(r"\]\(([^)#]+)\)")
includes, body, faults, count = [], [], [], 0
flags = ["-std=c++20", "-fsyntax-only", "-DDCS_COMPILED", "-Wall", "-Wextra", "-Wno-unused", "-Werror", "-I", str(source / "include"), "-x", "c++", "-"]


def compiles(unit):
    return subprocess.run([compiler, *flags], input=unit.encode()).returncode == 0


for page in pages:
    text = page.read_text()
    for target in link.findall(re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)):
        if "://" not in target and not (page.parent / target).exists():
            faults.append(f"{page}: a link to {target}, which is not there")
    parts, open_function = [], False
    for match in block.finditer(text):
        assumed, kind, code = match.groups()
        if kind not in (None, "main", "continued"):
            continue
        count += 1
        line = text[: match.start(3)].count("\n") + 1
        includes += [l for l in code.split("\n") if l.startswith("#include <dcs/")]
        code = f'{assumed or ""}\n#line {line} "{page}"\n' + "\n".join("" if l.startswith("#include <dcs/") else l for l in code.split("\n"))
        if kind == "continued":
            if not open_function:
                faults.append(f"{page}:{line}: continues nothing")
            parts[-1] = parts[-1][: -len("}\n")] + code + "\n}\n"
        elif kind == "main":
            parts.append(f"[[maybe_unused]] inline void statements_{count}() {{\n{code}\n}}\n")
        else:
            parts.append(code)
        open_function = kind is not None
    code = "\n".join(parts)
    if re.search(r"^namespace dcs", code, re.M):  # adds to the library's own namespaces: a unit of its own
        if not compiles("\n".join(dict.fromkeys(includes)) + "\n" + code):
            faults.append(f"{page}: its code does not compile")
    elif parts:
        body.append(f"namespace page_{len(body)} {{\n{code}\n}}  // {page.name}\n")
if not compiles("\n".join(dict.fromkeys(includes)) + "\n" + "\n".join(body)):
    faults.append("the pages' code does not compile")
print(*faults, f"{count} pieces of code in {len(pages)} pages", sep="\n")
sys.exit(bool(faults) or count == 0)
EOF_PYTHON
