"""Changes made at random to bytes and to JSON values."""

import copy
import json

#: Values that programs trip over.
NASTY = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    -(2**63),
    10**30,
    10**400,
    0.5,
    1e308,
    -1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    "x",
    "x" * 300,
    "../..",
    "~nosuchuser",
    "\x00",
    "\udc80",
    "gauss",
    "é",
    [],
    [[]],
    [1],
    ["a"],
    {},
    {"a": 1},
]


def damaged(content, rng):
    """Bytes with a few changed, cut out, doubled or inserted."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        if not content:
            break
        at = rng.randrange(len(content))
        kind = rng.randrange(7)
        if kind <= 1:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            content[at] = rng.choice((0, 1, 127, 128, 255))
        elif kind == 3:
            del content[at : at + rng.choice((1, 4, 100, len(content)))]
        elif kind == 4:
            content[at : at + 8] = rng.choice(
                (b"\xff" * 8, b"\0" * 8, b"\xff\xff\xff\x7f", (2**40).to_bytes(8, "little"))
            )
        elif kind == 5:
            content[at:at] = content[rng.randrange(len(content)) :][: rng.choice((1, 8, 64))]
        else:
            content[at:at] = rng.randbytes(rng.choice((1, 4, 16)))
    return bytes(content)


def places(value, path=()):
    """The paths to all values inside a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in inner:
        yield from places(entry, (*path, key))


def changed(value, rng):
    """A JSON value with one or two of the values in it replaced, removed, renamed or repeated."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 2))):
        path = rng.choice(list(places(value)))
        if not path:
            return rng.choice(NASTY)
        inner = value
        for step in path[:-1]:
            inner = inner[step]
        kind = rng.randrange(6)
        if kind == 0 and isinstance(inner, dict):
            inner[rng.choice(("", "x", "y" * 300, "row"))] = inner.pop(path[-1])
        elif kind == 1:
            del inner[path[-1]]
        elif kind == 2 and isinstance(inner[path[-1]], list):
            inner[path[-1]] = inner[path[-1]] * rng.choice((0, 2, 300))
        else:
            inner[path[-1]] = rng.choice(NASTY)
    return value


def changed_json(text, rng):
    """A JSON text (str) as bytes: with changed values, damaged, too deeply nested, or in another encoding."""
    kind = rng.randrange(12)
    if kind == 0:
        return b"[" * 100_000
    if kind == 1:
        return damaged(text.encode(), rng)
    if kind == 2:
        return text.encode(rng.choice(("utf-16", "utf-8-sig")))
    try:
        dumped = json.dumps(changed(json.loads(text), rng))
    except ValueError:  # a log, which has several lines: json refuses nothing else of ours
        lines = text.splitlines()
        at = rng.randrange(len(lines))
        lines[at] = json.dumps(changed(json.loads(lines[at]), rng))
        return "\n".join(lines).encode() + b"\n"
    return dumped.encode()
