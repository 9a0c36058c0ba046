"""Cutting a script into statements, as the shell does."""

import re

# What a semicolon may stand in without ending a statement, and the words that matter.
_TOKEN = re.compile(
    r"--[^\n]*|//[^\n]*|/\*(?!\+).*?\*/|'(?:[^']|'')*'|`(?:[^`]|``)*`|\bBEGIN\b|\bEND\b|\bCASE\b|;", re.S | re.I
)
_COMMENTS = re.compile(r"^(?:\s+|--[^\n]*(?:\n|$)|//[^\n]*(?:\n|$)|/\*(?!\+).*?\*/)+", re.S)

# Statements that define something for those that follow.
_DEFINES = re.compile(r"^(CREATE|DROP|ALTER|SET|RESET|USE|LOAD|UNLOAD)\b", re.I)


def split(text):
    """The statements of a script, without their semicolons."""
    out, start, depth = [], 0, 0
    for m in _TOKEN.finditer(text):
        word = m.group().upper()
        if word in ("BEGIN", "CASE"):
            depth += 1
        elif word == "END":
            depth = max(depth - 1, 0)
        elif word == ";" and (depth == 0 or not re.search(r"\bBEGIN\b", text[start : m.start()], re.I)):
            out.append(text[start : m.start()])
            start, depth = m.end(), 0
    out.append(text[start:])
    return [s.strip() for s in out if strip_comments(s)]


def strip_comments(statement):
    """A statement without the blanks and comments before it."""
    return _COMMENTS.sub("", statement).strip()


def defines(statement):
    """Whether a statement changes what later ones see, and starts nothing."""
    s = strip_comments(statement)
    if re.match(r"^CREATE\s+(TEMPORARY\s+)?TABLE\b.*\bAS\s+(SELECT|WITH|VALUES)\b", s, re.I | re.S):
        return False  # it would run again
    return bool(_DEFINES.match(s))
