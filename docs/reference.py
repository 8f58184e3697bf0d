#!/usr/bin/env python3
"""The reference of every op, layer and loss, made from the headers: what stands in their docstrings is what the page says.

    python3 docs/reference.py SOURCE           compares docs/reference.md with the headers (a test runs this)
    python3 docs/reference.py SOURCE --write   writes it

An entry is a documented function (ops/, loss/, expr/) or struct (nn/) in namespace dcs or dcs::nn; a new op has one without anything else to do. Its
docstring says shapes, ranges and errors. A line of its own,

    /// PyTorch: torch.nn.functional.softmax

says what PyTorch calls it. Element types and devices are those of docs/devices.md, whose rows tests measure; a line
`/// Runs: as gather_rows` names the row of an op that is made of others.
"""
import pathlib
import re
import sys

FOLDERS = [  # heading, where its headers are, what is documented there
    ("Functions of elements", ["expr/pointwise.hpp", "expr/activations.hpp", "expr/common.hpp"], "function"),
    ("Ops", ["ops/*/*.hpp"], "function"),
    ("Layers", ["nn/*.hpp"], "layer"),
    ("Losses", ["loss/*.hpp"], "function"),
]
# Headers of nn/ that contain no layers, and halves of ops that their skins call.
APART = {"parameter.hpp", "parameter_base.hpp", "parameter_description.hpp", "members.hpp", "module.hpp", "module_scope.hpp", "random_scope.hpp", "options.hpp", "stage.hpp", "state_dict.hpp", "summary.hpp", "trace.hpp", "cpu.hpp", "geometry.hpp", "terms.hpp"}
PYTORCH_OF_OPERATORS = {"operator+": "a + b", "operator-": "a - b", "operator*": "a * b", "operator/": "a / b"}


def split_top(text):
    """The parts of a list at its top-level commas."""
    parts, depth, part = [], 0, ""
    for at, c in enumerate(text):
        depth += (c in "(<{[") - (c in ")}]") - (c == ">" and text[at - 1] not in "-=")
        if c == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += c
    return [*parts, part.strip()] if part.strip() else parts


def balanced(text, start, opening, closing):
    """What stands in the brackets that open at `start`, and the place behind them."""
    depth = 0
    for at in range(start, len(text)):
        depth += text[at] == opening
        depth -= text[at] == closing and text[at - 1] != "-"
        if depth == 0:
            return text[start + 1 : at], at + 1
    raise ValueError(f"no {closing} in {text!r}")


class Entry:
    def __init__(self, name, calls, text, header):
        self.name, self.calls, self.header = name, calls, header
        tags = dict(re.findall(r"^(PyTorch|Runs): (.*)$", text, re.M))
        if re.search(r"\S.*\b(PyTorch: torch|Runs: as)", text):
            sys.exit(f"{header}: {name}: a tag within a line; expected `PyTorch:` and `Runs:` at the beginning of one, behind an empty line")
        self.pytorch, self.runs = tags.get("PyTorch", "").rstrip("."), tags.get("Runs", "").rstrip(".")
        self.text = re.sub(r"^(PyTorch|Runs): .*\n?", "", text, flags=re.M).strip()


def template_arguments(head, parameters):
    """Of `template <int Axis, class T, operand X>` what a caller writes: the arguments that the types of the parameters do not say."""
    inner, _ = balanced(head, head.index("<"), "<", ">")
    own = []
    for p in split_top(inner):
        kind, name = re.match(r"([\w:.]+) (\w+)", p).groups() if re.match(r"[\w:.]+ \w+", p) else ("", "")
        if kind.startswith(("operand", "handle", "number")) or kind.startswith("class") and re.search(rf"\b{name}\b", parameters):
            continue
        own.append(re.sub(r"(dcs::)?detail::\w+\(.*\)", "...", re.sub(r"^(class|module) ", "", p)))
    return ", ".join(own)


def parameter_names(text):
    names = []
    for p in split_top(text):
        default = re.search(r"= (.+)$", p)
        plain = p[: default.start()] if default else p
        name = re.search(r"(\w+?)_?\s*$", plain.rstrip())
        pack = "..." in plain
        names.append((name.group(1) if name else p) + ("..." if pack else "") + (f" = {default.group(1)}" if default else ""))
    return ", ".join(names)


def layer_call(body):
    """The operands that the calls of a struct take: (x), (x, residual)."""
    calls = []
    for line in re.findall(r"^  (?:constexpr )?\w+ (?:operator\(\)|masked)\(.*?\) const", body, re.M):
        inner, _ = balanced(line, line.index("(", line.index("()") + 2 if "operator()" in line else 0), "(", ")")
        method = ".masked" if "masked" in line else ""
        calls.append(f"{method}({parameter_names(inner)})")
    return list(dict.fromkeys(calls))


def entries_of(path, kind, include):
    """The documented functions or structs of a header, in its order."""
    lines = path.read_text().split("\n")
    header = str(path.relative_to(include))
    space, comment, found, at = [], [], [], 0
    while at < len(lines):
        line = lines[at]
        opened = re.match(r"(?:inline )?namespace ([\w:]*) ?\{", line)
        if opened:
            space.append(opened.group(1))
        elif re.match(r"\}  // namespace", line) and space:
            space.pop()
        macro = re.match(r"DCS_(UNARY|BINARY)\(([^,]+), (\w+)\)", line)
        if macro:
            name, unary = macro.group(2), macro.group(1) == "UNARY"
            symbol = name.removeprefix("operator")
            call = (f"{symbol}a" if unary else f"a {symbol} b") if name.startswith("operator") else f"{name}({'x' if unary else 'a, b'})"
            entry = Entry(name, [call], "", header)
            entry.pytorch = ("-a" if unary else PYTORCH_OF_OPERATORS[name]) if name in PYTORCH_OF_OPERATORS else f"torch.{name}"
            found.append(entry)
        if line.startswith("///"):
            comment.append(line[3:].strip())
            at += 1
            continue
        inner = "::".join(space).split("::")
        public = not any(s in ("detail", "kernels", "cpu", "cuda", "init", "layout", "functions", "DCS_ISA") for s in inner)
        if comment and public and line and line[0] not in " }#/":
            # The declaration: up to the brace that opens its body, or a semicolon.
            declaration, end = line, at
            while not re.search(r"\{\s*$|;\s*$|\{\}|\{ return|\{ .*\}$", declaration) and end - at < 12:
                end += 1
                declaration += " " + lines[end].strip()
            entry = entry_of(declaration, lines, end, kind, header, "\n".join(comment))
            if entry:
                found.append(entry)
        if not line.startswith("///"):
            comment = []
        at += 1
    return found


def entry_of(declaration, lines, end, kind, header, text):
    rest = declaration
    if declaration.startswith("template"):
        _, behind = balanced(declaration, declaration.index("<"), "<", ">")
        rest = declaration[behind:].strip()

    def suffix(parameters=""):
        arguments = template_arguments(declaration, parameters) if rest is not declaration else ""
        return f"<{arguments}>" if arguments else ""

    if kind == "layer":
        struct = re.match(r"struct (\w+)\b(?! ?<)", rest)
        alias = re.match(r"using (\w+) =", rest)
        if alias:
            return Entry(alias.group(1), [f"nn::{alias.group(1)}{suffix()}"], text, header)
        if not struct:
            return None
        body = []
        while end + 1 < len(lines) and not lines[end + 1].startswith("}"):
            end += 1
            body.append(lines[end])
        calls = layer_call("\n".join(body).split("\n private:")[0])
        if not calls:
            return None
        return Entry(struct.group(1), [f"nn::{struct.group(1)}{suffix()}", *(f"layer{c}" for c in calls)], text, header)
    function = re.match(r"(?:inline |constexpr |\[\[\w+(?:::\w+)?\]\] )*[\w:<>, .]+?[ &](\w+)\(", rest)
    if not function or "operator" in rest.split("(")[0] or re.match(r"(inline |constexpr )*void ", rest):
        return None
    inner, _ = balanced(rest, function.end() - 1, "(", ")")
    if not inner or "probe<" in inner:  # declared for decltype, or an overload that counts
        return None
    return Entry(function.group(1), [f"{function.group(1)}{suffix(inner)}({parameter_names(inner)})"], text, header)


def device_rows(source):
    """Of docs/devices.md: op, and what its row says of each column, by the names in the table's head: "cpu f32", "cuda bf16"."""
    rows, head = [], []
    for line in (source / "docs/devices.md").read_text().split("\n"):
        cells = [c.strip() for c in line.strip("|").split("|")]
        if not line.startswith("| "):
            head = head if line.startswith("|") else []
        elif not head:
            head = cells
        elif head[0] == "op":
            rows.append((cells[0], dict(zip(head[1:], cells[1:]))))
    return rows


def where_it_runs(name, rows):
    mine = [cells for text, cells in rows if re.match(re.escape(name) + r"(?![\w])", text)]
    runs = lambda column: any("forward" in cells[column] or "no gradient" in cells[column] for cells in mine)
    types = lambda device, known: " ".join(t for t in known if runs(f"{device} {t}"))
    host, gpu = types("cpu", ("f32", "bf16", "f64")), types("cuda", ("f32", "bf16"))  # a GPU computes in no f64 (devices.md)
    return "; ".join(part for part in (f"host {host}" if host else "", f"GPU {gpu}" if gpu else "") if part)


def marked(text):
    """A docstring as Markdown: types in backticks, other angle brackets escaped."""
    paragraphs = re.split(r"\n\s*\n", text)
    done = []
    for p in paragraphs:
        p = " ".join(p.split())
        pieces = re.split(r"(`[^`]*`)", p)
        for i, piece in enumerate(pieces):
            if not piece.startswith("`"):
                piece = re.sub(r"(?<![\w`])((?:\w+::)*\w+<(?:->|[^<>])*(?:<(?:->|[^<>])*>(?:->|[^<>])*)*>)", r"`\1`", piece)
                pieces[i] = "".join(s if s.startswith("`") else s.replace("<", "&lt;").replace("*", r"\*") for s in re.split(r"(`[^`]*`)", piece))
        done.append("".join(pieces))
    return "\n\n".join(done)


def page(source):
    include = source / "include/dcs"
    rows = device_rows(source)
    out = [
        "# Reference: ops, layers, losses",
        "",
        "<!-- Made by docs/reference.py from the headers' docstrings; `python3 docs/reference.py . --write` makes it anew. -->",
        "",
        "An operand is a tensor (inference), a var (training), a probe (counting) or an expression of these. Maps are `shape<N, H, W, C>`, channels last. `host f32 bf16 f64`: where an op runs, and with",
        "which element types, as tests have measured ([`devices.md`](devices.md)). [From PyTorch to dcs](from-pytorch.md) goes the other way, idiom by idiom.",
        "",
    ]
    sections = []
    for heading, patterns, kind in FOLDERS:
        entries = []
        for pattern in patterns:
            for path in sorted(include.glob(pattern)):
                if path.name not in APART and not (path.name.endswith("node.hpp")):
                    entries += entries_of(path, kind, include)
        sections.append((heading, kind, entries))
    known = {}
    for _, kind, entries in sections:
        for e in entries:
            if e.pytorch:
                known.setdefault(e.pytorch, (("nn::" if kind == "layer" else "") + e.name, anchor(kind, e.name) if e.text else "functions-of-elements"))
    # In HTML: Doxygen takes a Markdown link to a heading for one of its own references.
    out += ["| PyTorch | dcs |", "|---|---|"]
    out += [f'| `{p}` | <a href="#{link}"><code>{name}</code></a> |' for p, (name, link) in sorted(known.items(), key=lambda k: k[0].lower()) if p.startswith("torch")]
    for heading, kind, entries in sections:
        out += ["", f"## {heading}"]
        if heading == "Functions of elements":
            plain = [e for e in entries if not e.text]
            out += ["", f"One kernel for a whole chain of them, forward and backward; axes of 1 broadcast ([header](../include/dcs/{plain[0].header})). A number may stand for an operand.", ""]
            out += ["| dcs | PyTorch |", "|---|---|", *(f"| `{e.calls[0]}` | `{e.pytorch}` |" for e in plain)]
            entries = [e for e in entries if e.text]
        names = list(dict.fromkeys(e.name for e in entries))
        for name in names:
            same = [e for e in entries if e.name == name]
            out += ["", f"### {'nn::' if kind == 'layer' else ''}{name}", ""]
            facts = [f"[`{same[0].header}`](../include/dcs/{same[0].header})"]
            pytorch = list(dict.fromkeys(e.pytorch for e in same if e.pytorch))
            if pytorch:
                facts.append("PyTorch: " + ", ".join(f"`{p}`" for p in pytorch))
            as_other = next((e.runs for e in same if e.runs), "")
            runs = where_it_runs(as_other.removeprefix("as ") if as_other else name, rows)
            if runs:
                facts.append(runs)
            out += [" · ".join(facts)]
            for e in same:
                out += ["", "```", *e.calls, "```", "", marked(e.text)]
    return "\n".join(out) + "\n"


def anchor(kind, name):
    return ("nn" if kind == "layer" else "") + re.sub(r"[^\w-]", "", name.lower())


def main():
    source = pathlib.Path(sys.argv[1])
    target, wanted = source / "docs/reference.md", page(source)
    if "--write" in sys.argv[2:]:
        target.write_text(wanted)
    elif not target.exists() or target.read_text() != wanted:
        sys.exit("docs/reference.md is not what the headers say: python3 docs/reference.py . --write makes it anew")
    print(wanted.count("\n### "), "entries")


main()
