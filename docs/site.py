#!/usr/bin/env python3
"""Pages of the documentation's site that are made of what stands elsewhere: a page for each entry of reference.md, for each lesson, and for each program.

    python3 docs/site.py SOURCE PAGES [PROGRAMS]    writes them into PAGES, from --help of the programs in the folder PROGRAMS where it is given

Nothing of it is kept in the tree; tests/site.sh has Doxygen make a site of these pages and of those that Doxyfile names.
"""
import pathlib
import re
import subprocess
import sys


def identifier(text):
    return re.sub(r"\W+", "_", text).strip("_")


def written(folder, name, lines):
    (folder / f"{name}.md").write_text("\n".join(lines) + "\n")


def reference_pages(source, pages):
    """An entry of reference.md stands under ###, its kind under ##."""
    contents = ["# A page for each op, layer and loss {#ops}", ""]
    sections = re.split(r"^## (.*)\n", (source / "docs/reference.md").read_text(), flags=re.M)
    for heading, text in zip(sections[1::2], sections[2::2]):
        entries = re.split(r"^### (.*)\n", text, flags=re.M)
        contents += [f"## {heading} {{#ops_{identifier(heading)}}}", ""]
        if entries[0].strip():
            page = f"op_{identifier(heading)}"
            written(pages, page, [f"# {heading} {{#{page}}}", "", entries[0].strip()])
            contents += [f"- @subpage {page} \"{heading}\""]
        for name, body in zip(entries[1::2], entries[2::2]):
            page = f"op_{identifier(name)}"
            written(pages, page, [f"# {name} {{#{page}}}", "", body.strip()])
            contents += [f'- @subpage {page} "{name}"']
        contents.append("")
    written(pages, "ops", contents)


def lesson_pages(source, pages):
    """The course: the lessons in their order, each with what README says of it, its source, and the way to the next."""
    readme = re.sub(r"\[`(.*?)`\]\(docs/", rf"[\1]({source}/docs/", (source / "README.md").read_text())  # Doxygen shows marks in a link's text as they are
    taught = dict(re.findall(r"^\| \[(\d\d_\w+)\]\([^)]*\) \| (.*) \|$", readme, flags=re.M))
    lessons = sorted((source / "examples/lessons").glob("[0-9]*.cpp"))
    contents = ["# A course in lessons {#course}", "", "Programs to be read in order; every test run compiles and runs them.", ""]
    for at, path in enumerate(lessons):
        if path.stem not in taught:
            sys.exit(f"README.md has no row for the lesson {path.stem}")
        number, name = path.stem.split("_", 1)
        title = f"Lesson {int(number)}: {name.replace('_', ' ')}"
        lines = [f"# {title} {{#lesson_{path.stem}}}", "", taught[path.stem], "", "```cpp", path.read_text().rstrip(), "```", ""]
        if at + 1 < len(lessons):
            lines.append(f"Next: @ref lesson_{lessons[at + 1].stem}")
        written(pages, f"lesson_{path.stem}", lines)
        contents.append(f'- @subpage lesson_{path.stem} "{title}": {taught[path.stem]}')
    written(pages, "course", contents)


def program_pages(programs, pages):
    contents = ["# The programs {#programs}", "", "What each says with --help.", ""]
    for path in sorted(programs.glob("dcs_*")):
        if not path.is_file() or path.suffix:
            continue
        text = subprocess.run([path, "--help"], capture_output=True, text=True, check=True).stdout.replace(str(path), path.name)
        about = text.split("\n", 1)[0]
        written(pages, f"program_{path.name}", [f"# {path.name} {{#program_{path.name}}}", "", "```", text.strip(), "```"])
        contents.append(f"- @subpage program_{path.name} \"{path.name}\": `{about}`")
    written(pages, "programs", contents)


def main():
    source, pages = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    pages.mkdir(parents=True, exist_ok=True)
    for old in pages.glob("*.md"):
        old.unlink()
    reference_pages(source, pages)
    lesson_pages(source, pages)
    if len(sys.argv) > 3:
        program_pages(pathlib.Path(sys.argv[3]), pages)
    print(len(list(pages.glob("*.md"))), "pages")


main()
