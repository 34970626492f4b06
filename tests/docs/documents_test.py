#!/usr/bin/env python3
"""What the documents name is there: links and their anchors, commands and options of the
program, keys of the curriculum.

    documents_test.py SOURCE_FOLDER PROGRAM

Commands are taken from code blocks and from code within the text; options from 'COMMAND -h';
keys from docs/curriculum.md, which another test holds to the parser's table."""
import pathlib
import re
import shlex
import subprocess
import sys

root = pathlib.Path(sys.argv[1]).resolve()
program = sys.argv[2]
complaints = []
checked = {"links": 0, "commands": 0, "options": 0, "keys": 0}
PROGRAMS = ("aftershock", "build/aftershock")
TRAINERS = ("tools/train", "./tools/train")


def complain(place, text):
    complaints.append(f"{place}: {text}")


def help_of(*command):
    return subprocess.run([program, *command, "-h"], capture_output=True, text=True,
                          check=True).stdout


def options_of(command):
    """{'--json', '-o', …}: the lines of -h that begin with an option."""
    found = re.findall(r"^  (?:(-\w), )?(--[a-z-]+)", help_of(command), re.M)
    return {name for pair in found for name in pair if name}


def commands():
    listed = help_of().partition("\nCOMMANDS\n")[2].partition("\n\n")[0]
    return {name: options_of(name) for name in re.findall(r"^  ([a-z]+) ", listed, re.M)}


def documents():
    folders = [root / "docs", root / "models", root / "tests", root / "tools"]
    return sorted(root.glob("*.md")) + sorted(p for f in folders for p in f.rglob("*.md"))


def blocks_and_text(lines):
    """The fenced blocks as (line number, language, lines), and the text without them."""
    blocks, text, fence = [], [], None
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            if fence is None:
                fence = (number, line[3:].strip(), [])
                blocks.append(fence)
            else:
                fence = None
        elif fence is not None:
            fence[2].append(line)
        text.append("" if fence is not None or line.startswith("```") else line)
    return blocks, text


def anchors(path):
    """As GitHub makes them of headings."""
    _, text = blocks_and_text(path.read_text().splitlines())
    names = set()
    for line in text:
        heading = re.match(r"#+ +(.*)", line)
        if heading:
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).strip().lower()
            name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            twin = sum(n == name or re.fullmatch(re.escape(name) + r"-\d+", n) is not None
                       for n in names)
            names.add(f"{name}-{twin}" if twin else name)
    return names


def check_links(path, text):
    # A link's words may go over the end of a line.
    whole = "\n".join(re.sub(r"`[^`]*`", "", line) for line in text)
    for target in re.findall(r"\]\(([^)\s]+)\)", whole):
        if re.match(r"[a-z]+:", target):
            continue
        checked["links"] += 1
        name, _, anchor = target.partition("#")
        other = (path.parent / name).resolve() if name else path
        if not other.exists():
            complain(path.relative_to(root), f"link to {target}: no such file")
        elif anchor and anchor not in anchors(other):
            complain(path.relative_to(root), f"link to {target}: no such heading")


def check_key(place, section, key, keys):
    checked["keys"] += 1
    if section.startswith("stage"):
        known = any(key in names for names in keys.values())
    else:
        known = key in keys.get(section, ())
    if not known:
        complain(place, f"no key {key} in [{section}]")


def check_command(place, words, known, keys):
    """words: those of one command of the shell, or of code that may be one."""
    for i, word in enumerate(words):
        if word in PROGRAMS:
            command, rest = (words[i + 1:] or [""])[0], words[i + 2:]
        elif word in TRAINERS:
            command, rest = "train", words[i + 1:]
        elif i == 0 and word in known and len(words) > 1 and words[1].startswith("--"):
            command, rest = word, words[1:]
        else:
            continue
        break
    else:
        return
    if not re.fullmatch(r"[a-z]+", command):
        return  # 'aftershock' alone, 'aftershock -h', 'aftershock COMMAND'
    checked["commands"] += 1
    if command not in known:
        complain(place, f"no command '{command}'")
        return
    for i, option in enumerate(rest):
        if re.match(r"--?[a-z]", option):
            checked["options"] += 1
            name = option.partition("=")[0]
            if name not in known[command]:
                complain(place, f"{command} has no option {name}")
            setting = re.match(r"([^.]+)\.(\w+)=", rest[i + 1]) if i + 1 < len(rest) else None
            if name == "--set" and setting and setting[1] != "SECTION":
                check_key(place, setting[1], setting[2], keys)


def shell_commands(line):
    """The words of each command of a line, without redirections' meaning: they are words."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:  # a quotation that goes on in the next line
        words = line.split()
    found = [[]]
    for word in words:
        if set(word) <= set("|&;()"):
            found.append([])
        else:
            found[-1].append(word)
    return found


def check_commands(path, blocks, text, known, keys):
    for number, language, lines in blocks:
        if language in ("", "sh", "bash", "console"):
            for offset, line in enumerate(lines, 1):
                place = f"{path.relative_to(root)}:{number + offset}"
                for words in shell_commands(re.sub(r"^[$#] ", "", line)):
                    check_command(place, words, known, keys)
        elif language == "ini":
            section = None
            for offset, line in enumerate(lines, 1):
                place = f"{path.relative_to(root)}:{number + offset}"
                heading = re.match(r"\s*\[([^]]+)\]", line)
                setting = re.match(r"\s*(\w+)\s*=", line)
                section = heading[1] if heading else section
                if setting and section:
                    check_key(place, section, setting[1], keys)
    for number, line in enumerate(text, 1):
        place = f"{path.relative_to(root)}:{number}"
        for code in re.findall(r"`([^`]+)`", line):
            code = code.replace("\\|", "¦")  # a table's; alternatives are one word
            check_command(place, code.replace("|", "¦").split(), known, keys)
            setting = re.fullmatch(r"\[([a-z_]+)\] (\w+)(?: ?=.*)?", code) or \
                re.match(r"--set \"?([a-z][^.]*)\.(\w+)=", code)
            if setting:
                check_key(place, setting[1], setting[2], keys)


def curriculum_keys():
    keys, section = {}, None
    for line in (root / "docs/curriculum.md").read_text().splitlines():
        heading = re.match(r"## \[(\w+)\]", line)
        row = re.match(r"\| `(\w+)` \|", line)
        if heading:
            section = keys.setdefault(heading[1], set())
        elif row and section is not None:
            section.add(row[1])
    keys["evaluation"].add("episodes")  # another name of motions
    return keys


def main():
    known, keys = commands(), curriculum_keys()
    for path in documents():
        blocks, text = blocks_and_text(path.read_text().splitlines())
        check_links(path, text)
        if path.name != "CHANGELOG.md":  # which also tells what is no more
            check_commands(path, blocks, text, known, keys)
    for what, count in checked.items():
        if count < 30:
            complain("documents_test.py", f"found {count} {what} only: it reads them wrongly")
    print("\n".join(complaints) if complaints else f"checked {checked}")
    return 1 if complaints else 0


sys.exit(main())
