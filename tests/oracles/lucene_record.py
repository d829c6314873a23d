r"""How lucene_answers.json was recorded: what Lucene's own RegExp says to generated patterns and texts.

    python tests/oracles/lucene_record.py lucene-core.jar

needs a JDK and Lucene 8.6 or newer of the 8 and 9 lines; the recording is of 8.8.1 (Debian's liblucene8-java, whose
jar calls itself 8.7.0) on Java 17, syntax flags ALL, with match flags 0 and with ASCII_CASE_INSENSITIVE. The tests
read the recording alone.

The file: a list of [pattern, texts, answers, answers ignoring case], the answers as one 0 or 1 per text. A pattern
that Lucene refuses is [pattern]. 8.8.1 has the complement in ALL and the ASCII flag alone; see lucene_regexp on later
versions.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ANSWERS = Path(__file__).with_name("lucene_answers.json")

# Patterns and texts go in and come out as hexadecimal UTF-16, one pattern a line: no encoding of a shell is in the way.
_PROGRAM = r"""
import java.util.Scanner;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.CharacterRunAutomaton;
import org.apache.lucene.util.automaton.Operations;
import org.apache.lucene.util.automaton.RegExp;

public class Record {
    static String text(String hex) {
        StringBuilder built = new StringBuilder();
        for (int i = 0; i + 4 <= hex.length(); i += 4)
            built.append((char) Integer.parseInt(hex.substring(i, i + 4), 16));
        return built.toString();
    }

    public static void main(String[] args) {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] parts = lines.nextLine().split(",", -1);
            StringBuilder answer = new StringBuilder();
            try {
                for (int flag : new int[] {0, RegExp.ASCII_CASE_INSENSITIVE}) {
                    Automaton automaton = new RegExp(text(parts[0]), RegExp.ALL, flag).toAutomaton();
                    // A RunAutomaton of an automaton without states fails.
                    CharacterRunAutomaton run =
                        Operations.isEmpty(automaton) ? null : new CharacterRunAutomaton(automaton);
                    for (int i = 1; i < parts.length; i++)
                        answer.append(run != null && run.run(text(parts[i])) ? '1' : '0');
                }
                System.out.println(answer);
            } catch (IllegalArgumentException e) {
                System.out.println("error");
            }
        }
    }
}
"""

# 8.8.1 knows no classes, so it is asked with these written out. A private character stands for one until then.
_D, _NOT_D, _S, _NOT_S, _W, _NOT_W = map(chr, range(0xE000, 0xE006))
_CLASSES = {
    _D: (r"\d", "0-9"),
    _NOT_D: (r"\D", "\0-/:-\U0010ffff"),
    _S: (r"\s", " \t\n\r"),
    _NOT_S: (r"\S", "\0-\x08\x0b\x0c\x0e-\x1f!-\U0010ffff"),
    _W: (r"\w", "a-zA-Z_0-9"),
    _NOT_W: (r"\W", "\0-/:-@\\[-\\^`\\{-\U0010ffff"),
}
_LETTERS = "abcABk0159-_ .\\\té€😀"
_SPECIAL = '.?+*|{}[]()"\\#@&<>~^$-,'


def _pattern(draw: random.Random, depth: int) -> tuple[str, str]:
    """A pattern that is mostly right, and a text that mostly matches it."""
    kind = draw.randrange(18 if depth else 8)
    if kind < 3:
        character = draw.choice(_LETTERS)
        return (character if character not in _SPECIAL else "\\" + character), character
    if kind == 3:
        return ".", draw.choice(_LETTERS)
    if kind == 4:
        name = draw.choice(tuple(_CLASSES))
        return name, draw.choice("0aB_- \t\né")
    if kind == 5:
        return draw.choice(
            (
                ("[a-c]", "b"), ("[^a-c]", "d"), ("[-abA]", "-"), (f"[{_D}.]", "5"), (f"[^{_W}]", "."),
                (f"[{_NOT_S}]", "x"),
                ("[-a]", "-"), ("[]a]", "]"), ("[^\\]a]", "b"), ("[k-z]", "z"), ("[a\\-c]", "-"), ("[😀é]", "😀"),
                ("[^^]", "a"), ("[a^]", "^"), ("[.*]", "*"), (f"[{_NOT_W}{_D}]", "7"), ("[a\\\\]", "\\"), ('["&]', "&"),
            )
        )  # fmt: skip
    if kind == 6:
        return draw.choice(
            (('"a.b"', "a.b"), ('"Ab"', "Ab"), ('""', ""), ("()", ""), ("@", "abc"), ("#", ""), ("(#)", ""))
        )
    if kind == 7:
        low, high = draw.choice(((1, 15), (0, 9), (5, 105), (7, 7), (20, 3), (0, 0), (99, 1001)))
        pad = draw.choice((0, 0, 2, 3))
        written = f"<{str(low).zfill(pad)}-{str(high).zfill(pad)}>"
        return written, draw.choice(("", "0", "00")) + str(draw.randint(min(low, high), max(low, high)))
    first, one = _pattern(draw, depth - 1)
    if kind < 11:
        operator, times = draw.choice((("?", (0, 1)), ("*", (0, 1, 3)), ("+", (1, 2)), ("{2}", (2,)), ("{1,3}", (1, 3)),
                                       ("{0}", (0,)), ("{2,}", (2, 4)), ("{0,2}", (0, 2))))  # fmt: skip
        return (f"({first})" if draw.random() < 0.7 else first) + operator, one * draw.choice(times)
    second, two = _pattern(draw, depth - 1)
    if kind < 15:
        return first + second, one + two
    if kind == 15:
        return f"({first}|{second})", draw.choice((one, two))
    if kind == 16:
        return draw.choice((f"({first}&{second})", f"{first}&@{second}@", f".*{first}.*&.*{second}.*")), one
    return draw.choice((f"~{first}", f"~({first}){second}", f"({first}|~({second}))")), one + two


def _mutated(draw: random.Random, text: str) -> str:
    at = draw.randrange(len(text) + 1)
    letter: str = draw.choice(("", *_LETTERS))
    return text[:at] + letter + text[at + draw.randrange(2) :]


def _spelt(pattern: str, out: bool) -> str:
    """The pattern with its classes: their names, or written out for 8.8.1."""
    built, inside, escaped = "", False, False
    for character in pattern:
        if character in _CLASSES:
            name, members = _CLASSES[character]
            built += name if not out else members if inside else f"[{members}]"
            continue
        if not escaped:
            inside = character == "[" or (inside and character != "]")
        escaped = character == "\\" and not escaped
        built += character
    return built


def cases(seed: int = 1, patterns: int = 1700) -> list[tuple[str, list[str]]]:
    """Generated patterns, each with its texts. Classes are private characters."""
    draw = random.Random(seed)
    built: dict[str, list[str]] = {}
    while len(built) < patterns:
        pattern, text = _pattern(draw, draw.randrange(1, 4))
        classes = any(name in pattern for name in _CLASSES)
        if not classes and draw.random() < 0.25:
            at = draw.randrange(len(pattern) + 1)
            pattern = pattern[:at] + draw.choice(_SPECIAL + "ndx") + pattern[at + draw.randrange(2) :]
        elif draw.random() < 0.1:
            pattern = text = "".join(draw.choice(_SPECIAL + "aB1") for _ in range(draw.randrange(1, 6)))
        texts = [
            text,
            text.swapcase(),
            _mutated(draw, text),
            _mutated(draw, text),
            draw.choice(("", "a", "ab\n", "0", "|")),
        ]
        # A backslash before a letter is an error since 9; `[]x]` has its bracket where _spelt does not look for it.
        wrong = re.search(r"\\[a-zA-Z]", pattern) or (classes and "[]" in pattern)
        if len(pattern) <= 60 and len(text) <= 60 and not wrong:
            built[pattern] = list(dict.fromkeys(texts))
    return list(built.items())


def main(jar: str) -> None:
    """Ask Lucene, and write its answers down."""
    asked = cases()
    lines = [
        ",".join(text.encode("utf-16-be").hex() for text in (_spelt(pattern, True), *texts)) for pattern, texts in asked
    ]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "Record.java")
        source.write_text(_PROGRAM, encoding="utf-8")
        run = subprocess.run(
            ["java", "-cp", jar, str(source)], input="\n".join(lines), capture_output=True, text=True, check=True
        )
    recorded: list[list[object]] = []
    for (written, texts), answer in zip(asked, run.stdout.split("\n"), strict=False):
        pattern = _spelt(written, False)
        half = len(answer) // 2
        recorded.append([pattern] if answer == "error" else [pattern, texts, answer[:half], answer[half:]])
    entries = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in recorded)
    ANSWERS.write_text(f"[\n{entries}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
