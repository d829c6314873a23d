"""Detection items as people write them, right and wrong: a field with modifiers, and its values.

Unlike the pairs of tests/reference these have no event: they are as many and as odd as the rules of the world, and
say of each whether a query of the Defender tables can mean it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any


class Outcome(Enum):
    """What becomes of a rule by one of its parts."""

    CONVERTED = "converted"
    REFUSED = "refused"
    #: By the backend's state: both are right.
    EITHER = "either"


@dataclass(frozen=True)
class Item:
    """`key: value` of a selection; with an empty key, keywords. `words` name what is at fault in a refusal."""

    key: str
    value: Any
    outcome: Outcome = Outcome.CONVERTED
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """The fields of a log source, by what they hold. `absent` are Sysmon's that the table does not have."""

    products: Sequence[str | None]
    paths: Sequence[str]
    texts: Sequence[str]
    numbers: Sequence[str] = ("ProcessId",)
    addresses: Sequence[str] = ()
    truths: Sequence[str] = ()
    registry: bool = False
    hashes: bool = False
    absent: Sequence[str] = ("ProcessGuid", "RuleName")


_ANYWHERE = ("windows", "windows", "windows", "windows", "linux", "macos", None)
_FILE = Source(
    _ANYWHERE, ("Image", "TargetFilename", "TargetFilename"), ("User", "CommandLine"), hashes=True, absent=("Contents",)
)
_REGISTRY = Source(
    ("windows",),
    ("Image",),
    ("User", "CommandLine"),
    ("ProcessId", "ParentProcessId"),
    registry=True,
    absent=("NewName",),
)

SOURCES: Mapping[str, Source] = {
    "process_creation": Source(
        _ANYWHERE,
        ("Image", "ParentImage", "Image", "ParentImage"),
        (
            *("CommandLine", "CommandLine", "CommandLine", "ParentCommandLine", "OriginalFileName", "User"),
            *("IntegrityLevel", "Company", "Product", "Description", "ParentUser", "Computer"),
        ),
        ("ProcessId", "ParentProcessId", "LogonId"),
        hashes=True,
        absent=("CurrentDirectory", "TerminalSessionId", "FileVersion", "imphash", "ProcessGuid"),
    ),
    "network_connection": Source(
        _ANYWHERE,
        ("Image",),
        ("DestinationHostname", "DestinationHostname", "User", "Protocol", "CommandLine", "SourceHostname"),
        ("DestinationPort", "DestinationPort", "SourcePort", "ProcessId"),
        ("DestinationIp", "DestinationIp", "SourceIp"),
        ("Initiated", "Initiated", "DestinationIsIpv6"),
        absent=("DestinationPortName", "SourcePortName"),
    ),
    "file_event": _FILE,
    "file_change": _FILE,
    "file_delete": _FILE,
    "file_rename": Source(
        _ANYWHERE, ("Image", "TargetFilename", "SourceFilename"), ("User",), hashes=True, absent=("Contents",)
    ),
    "registry_event": _REGISTRY,
    "registry_set": _REGISTRY,
    "registry_add": _REGISTRY,
    "registry_delete": _REGISTRY,
    "image_load": Source(
        ("windows",),
        ("Image", "ImageLoaded", "ImageLoaded"),
        ("User", "CommandLine"),
        hashes=True,
        absent=("Signed", "SignatureStatus", "Signature", "OriginalFileName", "Description"),
    ),
}

PROGRAMS = (
    *("cmd.exe", "powershell.exe", "pwsh.exe", "rundll32.exe", "mshta.exe", "certutil.exe", "7z.exe", "curl.exe"),
    *("wscript.exe", "bash", "python3.11", "Ünïcode ünd spaces.exe", "a'b.exe", "日本.exe", "semi;colon.exe"),
    *("x[1].exe",),
)
FOLDERS = (
    "\\Windows\\System32\\",
    "C:\\Users\\\\*\\AppData\\",
    "\\Temp\\",
    "/usr/bin/",
    "\\\\fileserver\\c$\\",
    ":\\$Recycle.Bin\\",
)
WORDS = (
    *(" -enc ", " /c ", "--upload-file", "http://", "https://exämple.org/?q=1&r=2", "Invoke-WebRequest", "-w hidden"),
    *('"quoted"', "it's", "back\\slash", "trailing\\\\", "100%", "%TEMP%", "{0}", "$env:x", "`tick`", "a|b"),
    *("//comment",),
    *("tab\there", "two\nlines", "ÄÖÜ straße", "ключ", "пароль", "\u200bhidden", "🔥", "e\u0301", "ſ"),
    *("İstanbul", "\x1b[0m"),
    *("copy /y", "a, b; c", "x=1", "<script>", "(new-object", "[Convert]::", "^caret^", "~tilde~", "#hash"),
    *("@at", "_", "-"),
)
NETWORKS = ("10.0.0.0/8", "192.168.0.0/16", "203.0.113.7/32", "0.0.0.0/0", "2001:db8::/32", "fe80::/10", "::1/128")
REGEXES = (
    *(r"\\[a-z]{8}\.exe$", r"(?:https?|ftp)://\d{1,3}(\.\d{1,3}){3}", r"^[A-Za-z0-9+/=]{100,}$", r"\bIEX\b"),
    *(r".*\s-e[nc]*\s.*",),
    *(r"[^\x00-\x7f]{3,}", r"(a|b|c)+?d", r"C:\\Users\\[^\\]+\\", r'"[^"]*"'),
    *(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}",),
    *(r"ключ\s+\w+", r"x{2,5}y*", r"^$", r"a.b"),
)
#: Expressions that RE2 cannot run or that Python's parser does not read, and how a refusal calls them.
BAD_REGEXES = (
    (r"cmd(?=\.exe)", "look-ahead"),
    (r"(?<!sub)domain", "look-behind"),
    (r"(\w+)\s\1", "backreference"),
    (r"[[:alpha:]]+", "POSIX class"),
    (r"a++b", "regular expression"),
    (r"\p{Lu}+", "regular expression"),
    (r"x{2000}", "repeats more than"),
)
DETAILS = (
    "DWORD (0x00000001)",
    "DWORD (0x00000000)",
    "QWORD (0x00000000-0x00000001)",
    "Binary Data",
    "(Empty)",
    "C:\\a.exe",
)
KEYS = (
    *("HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\", "HKU\\\\*\\Environment\\"),
    *("\\Services\\\\*\\ImagePath",),
    *("HKLM\\System\\CurrentControlSet\\Control\\Lsa\\", "\\shell\\open\\command\\(Default)", "\\InprocServer32\\"),
)
TIME_PARTS = {"minute": 59, "hour": 23, "day": 31, "week": 53, "month": 12, "year": 2026}
_PLACES = ("contains", "startswith", "endswith")


def _key(*parts: str) -> str:
    return "|".join(part for part in parts if part)


def _several(rng: Random, values: Sequence[Any], most: int = 3) -> Any:
    """One value, or a list of several."""
    chosen = rng.sample(list(values), rng.randint(1, min(most, len(values))))
    return chosen[0] if len(chosen) == 1 and rng.random() < 0.8 else chosen


def _text_field(rng: Random, source: Source) -> str:
    return rng.choice((*source.texts, *source.paths))


def _program(rng: Random, source: Source) -> Item:
    separator = rng.choice(("\\", "\\", "\\", "/"))
    names = [separator + name for name in PROGRAMS]
    return Item(_key(rng.choice(source.paths), "endswith", rng.choice(("", "", "cased"))), _several(rng, names))


def _path(rng: Random, source: Source) -> Item:
    values = [*FOLDERS, *(folder + name for folder in FOLDERS for name in PROGRAMS[:4])]
    return Item(_key(rng.choice(source.paths), rng.choice(("", *_PLACES))), _several(rng, values))


def _substring(rng: Random, source: Source) -> Item:
    place = rng.choice(("contains", "contains", "contains", *_PLACES))
    every = "all" if place == "contains" and rng.random() < 0.3 else ""
    cased = "cased" if rng.random() < 0.15 else ""
    modifiers = rng.sample([every, cased], 2)
    return Item(_key(_text_field(rng, source), place, *modifiers), _several(rng, WORDS))


def _plain(rng: Random, source: Source) -> Item:
    modifier = rng.choice(("", "", "cased", "neq"))
    values = (*WORDS, "", "*", *(() if modifier == "cased" else (7, 1.5)))
    return Item(_key(_text_field(rng, source), modifier), _several(rng, values))


def _wildcards(rng: Random, source: Source) -> Item:
    pieces = rng.sample(WORDS, 3)
    joins = [rng.choice(("*", "?", "**", "?*", "\\*", "\\?", "\\\\*")) for _ in range(2)]
    value = pieces[0] + joins[0] + pieces[1] + joins[1] + pieces[2]
    return Item(_key(_text_field(rng, source), rng.choice(("", "", "cased", *_PLACES))), value)


def _long_list(rng: Random, source: Source) -> Item:
    words = [f"{rng.choice(WORDS)}{rng.getrandbits(32):x}" for _ in range(rng.randint(40, 90))]
    return Item(_key(rng.choice(source.texts), rng.choice(("", "contains", "endswith"))), words)


def _windash(rng: Random, source: Source) -> Item:
    flags = (" -enc", " /transfer ", "-urlcache", " -p -q", "/c")
    return Item(
        _key(_text_field(rng, source), rng.choice(("windash|contains", "contains|windash"))), _several(rng, flags, 3)
    )


def _windash_all(rng: Random, source: Source) -> Item:
    return Item(_key(_text_field(rng, source), "contains|all|windash"), [" -decode", "/f", "file"])


def _encoded(rng: Random, source: Source) -> Item:
    modifiers = rng.choice(
        (
            *(
                "base64",
                "base64|contains",
                "base64offset|contains",
                "base64offset|contains",
                "wide|base64offset|contains",
            ),
            *("utf16be|base64|contains", "wide|base64offset|contains|cased"),
        )
    )
    return Item(
        _key(_text_field(rng, source), modifiers), _several(rng, ("/bin/bash", "Invoke-", "http://", "secret"), 3)
    )


def _encoded_anew(rng: Random, source: Source) -> Item:
    """What pySigma alone encodes otherwise than it is meant."""
    modifiers, values = rng.choice(
        (
            ("utf16|base64offset|contains", ("/bin/bash", "Invoke-", "secret")),
            ("utf16le|base64|contains", ("/bin/bash", "Invoke-", "s")),
            ("windash|base64offset|contains", (" -enc", "/transfer", "secret")),
            ("base64offset|contains", ("ключ", "é", "中文")),
            ("cased|base64", ("/bin/bash", "a\\*b")),
        )
    )
    return Item(_key(_text_field(rng, source), modifiers), _several(rng, values))


def _misread(rng: Random, source: Source) -> Item:
    """What pySigma reads otherwise than it is meant, and nothing can mend."""
    modifiers = rng.choice(("startswith|endswith", "wide", "utf16|contains", "expand|base64"))
    field = _text_field(rng, source)
    return Item(_key(field, modifiers), _several(rng, ("/bin/bash", "Invoke-", "secret"), 3), Outcome.REFUSED, (field,))


def _regex(rng: Random, source: Source) -> Item:
    flags = rng.choice(("", "", "i", "i", "m", "s", "i|m", "i|m|s", "ignorecase", "multiline", "dotall"))
    return Item(_key(_text_field(rng, source), "re", flags), _several(rng, REGEXES, 3))


def _bad_regex(rng: Random, source: Source) -> Item:
    field = _text_field(rng, source)
    expression, construct = rng.choice(BAD_REGEXES)
    return Item(_key(field, "re", rng.choice(("", "i"))), expression, Outcome.REFUSED, (field, construct))


def _number(rng: Random, source: Source) -> Item:
    values = [0, 4, 22, 80, 443, 999, 4444, 65535, "8080", "445"]
    return Item(_key(rng.choice(source.numbers), rng.choice(("", "", "neq"))), _several(rng, values))


def _comparison(rng: Random, source: Source) -> Item:
    return Item(
        _key(rng.choice(source.numbers), rng.choice(("lt", "lte", "gt", "gte"))), rng.choice((0, 1024, 49152, 1.5))
    )


def _number_as_text(rng: Random, source: Source) -> Item:
    return Item(_key(rng.choice(source.numbers), rng.choice(_PLACES)), _several(rng, ("1", "44", "80")))


def _address(rng: Random, source: Source) -> Item:
    if not source.addresses:
        return _program(rng, source)
    field = rng.choice(source.addresses)
    if rng.random() < 0.6:
        return Item(_key(field, rng.choice(("cidr", "cidr", "cidr|neq"))), _several(rng, NETWORKS))
    return Item(
        _key(field, rng.choice(("", "startswith"))), _several(rng, ("10.", "192.0.2.1", "2001:DB8::1", "127.*"))
    )


def _truth(rng: Random, source: Source) -> Item:
    if not source.truths:
        return _substring(rng, source)
    return Item(rng.choice(source.truths), rng.choice(("true", "false", "True", True, False)))


def _presence(rng: Random, source: Source) -> Item:
    fields = (*source.texts, *source.paths, *source.numbers, *source.addresses, *source.truths)
    if rng.random() < 0.4:
        return Item(_key(rng.choice(fields), "exists"), rng.choice((True, False)))
    field = rng.choice((*source.texts, *source.paths))
    value: Any = rng.choice((None, "", "*", [None, "x"], ["", "-"]))
    # NOT of an empty text excludes nothing in these tables, and where nothing else is left the rule is refused.
    empty = value == "" or (isinstance(value, list) and "" in value)
    return Item(_key(field), value, Outcome.EITHER, (field,)) if empty else Item(_key(field), value)


def _registry(rng: Random, source: Source) -> Item:
    if not source.registry:
        return _path(rng, source)
    draw = rng.random()
    if draw < 0.25:
        return Item(_key("Details", rng.choice(("", "", "contains", "startswith", "cased"))), _several(rng, DETAILS, 3))
    if draw < 0.4:
        return Item("EventType", _several(rng, ("SetValue", "CreateKey", "DeleteValue", "setvalue")))
    if draw < 0.47:
        return Item("TargetObject|startswith", "HKCR\\CLSID\\", Outcome.REFUSED, ("TargetObject", "HKCR"))
    if draw < 0.54:
        written = rng.choice(("HKEY_LOCAL_MACHINE\\SOFTWARE\\", "HKCU\\Software\\"))
        return Item("TargetObject|startswith", written, Outcome.REFUSED, ("TargetObject", "root key"))
    return Item(_key("TargetObject", rng.choice(("", *_PLACES))), _several(rng, KEYS))


def _hashes(rng: Random, source: Source) -> Item:
    digits = f"{rng.getrandbits(256):064X}"
    whole = [f"MD5={digits[:32]}", f"SHA1={digits[:40]}", f"SHA256={digits}", digits[:40], f"sha256={digits.lower()}"]
    if not source.hashes:
        return Item(rng.choice(("Hashes", "Hashes|contains")), whole[0], Outcome.REFUSED, ("Hashes",))
    if rng.random() < 0.3:
        value = rng.choice((f"IMPHASH={digits[:32]}", digits[:12], [whole[0], f"IMPHASH={digits[:32]}"]))
        return Item("Hashes|contains", value, Outcome.REFUSED, ("Hashes",))
    if rng.random() < 0.3:
        return Item(rng.choice(("md5", "sha1", "sha256")), [digits[:32], digits[:32].lower()])
    return Item(_key("Hashes", "contains", rng.choice(("", "", "all"))), _several(rng, whole))


def _absent(rng: Random, source: Source) -> Item:
    field = rng.choice(source.absent)
    return Item(_key(field, rng.choice(("", "contains", "re"))), "C", Outcome.REFUSED, (field,))


def _unknown(rng: Random, source: Source) -> Item:
    field = rng.choice(
        ("Imag", "commandline", "Comand Line", "win.eventdata.Image", "process.name", "Feld-Ä", "x'y\"z")
    )
    return Item(_key(field, rng.choice(("", "startswith"))), "a", Outcome.REFUSED, (field,))


def _wrong_type(rng: Random, source: Source) -> Item:
    field = rng.choice(source.numbers)
    text = rng.choice(source.texts)
    return rng.choice(
        (
            Item(_key(text, "gt"), 5, Outcome.REFUSED, (text,)),
            Item(_key(text, "cidr"), "10.0.0.0/8/8", Outcome.REFUSED, (text,)),
            Item(_key(field, "lt"), "many", Outcome.REFUSED, (field,)),
            Item(_key(text, "exists"), "perhaps", Outcome.REFUSED, (text,)),
            Item(_key(text, "base64offset|contains"), "a*b", Outcome.REFUSED, (text,)),
            Item(_key(text, "re"), "(unclosed", Outcome.REFUSED, (text,)),
            Item(_key(text, "containz"), "a", Outcome.REFUSED, (text,)),
            Item(_key(text, "cased"), 7, Outcome.REFUSED, (text,)),
        )
    )


def _placeholder(rng: Random, source: Source) -> Item:
    field = _text_field(rng, source)
    key = _key(field, rng.choice(("expand", "contains|expand", "expand|cased")))
    return Item(key, rng.choice(("%servers%", "*%name%.exe", "%one%-%two%")), Outcome.REFUSED, (field, "placeholder"))


def _reference(rng: Random, source: Source) -> Item:
    one, other = rng.sample((*source.texts, *source.paths, *source.numbers), 2)
    modifiers = rng.choice(("", "", "contains", "startswith", "endswith", "cased", "neq"))
    return Item(_key(one, "fieldref", modifiers), other, Outcome.EITHER, (one, "fieldref"))


def _time(rng: Random, source: Source) -> Item:
    part, highest = rng.choice(list(TIME_PARTS.items()))
    field = rng.choice(("UtcTime", *source.texts[:1]))
    comparison = rng.choice(("", "", "lt", "lte", "gt", "gte"))
    return Item(_key(field, part, comparison), rng.randint(1, highest), Outcome.EITHER, (field,))


def _keywords(rng: Random, source: Source) -> Item:
    return Item(
        rng.choice(("", "", "|all")), rng.sample(WORDS, rng.randint(1, 3)), Outcome.EITHER, ("keyword", "field")
    )


Maker = Callable[[Random, Source], Item]
#: Makers by how often they are taken; the second group holds what is refused, or is in the backend's near future.
COMMON: Mapping[Maker, int] = {
    _program: 14,
    _path: 8,
    _substring: 16,
    _plain: 6,
    _wildcards: 5,
    _long_list: 1,
    _windash: 3,
    _windash_all: 1,
    _encoded: 4,
    _encoded_anew: 3,
    _regex: 5,
    _number: 5,
    _comparison: 4,
    _number_as_text: 1,
    _address: 7,
    _truth: 5,
    _presence: 5,
    _registry: 14,
    _hashes: 3,
}
RARE: Mapping[Maker, int] = {
    _bad_regex: 3,
    _absent: 3,
    _unknown: 3,
    _wrong_type: 3,
    _placeholder: 4,
    _misread: 4,
    _reference: 3,
    _time: 28,
    _keywords: 3,
}


def item(rng: Random, source: Source, rare: float) -> Item:
    """An item of the log source; `rare` is how likely one of RARE is."""
    makers = RARE if rng.random() < rare else COMMON
    (maker,) = rng.choices(list(makers), list(makers.values()))
    return maker(rng, source)
