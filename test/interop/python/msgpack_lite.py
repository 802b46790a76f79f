"""MessagePack, as much of it as the protocol uses: nil, booleans, numbers, text, binary, lists and maps.

Written from the specification (https://github.com/msgpack/msgpack/blob/master/spec.md). Extension types, timestamps
among them, are refused, and so are map keys that are not text.
"""
from __future__ import annotations

import struct
from typing import Union

Plain = Union[None, bool, int, float, str, bytes, "list[Plain]", "dict[str, Plain]"]

DEPTH_MAX = 32


class MsgpackError(ValueError):
    """The bytes are not MessagePack, or not of the kind that is read here."""


def unpack(data: bytes) -> Plain:
    """The one value in `data`. Raises MsgpackError, whatever the bytes are."""
    reader = _Reader(data)
    value = reader.value(DEPTH_MAX)
    if reader.at != len(data):
        raise MsgpackError(f"{len(data) - reader.at} bytes follow the value")
    return value


def pack(value: Plain) -> bytes:
    """The shortest form of `value`. Raises MsgpackError for what has none."""
    out = bytearray()
    _write(out, value, DEPTH_MAX)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        # Compared before anything is made of that size: a length of four billion costs nothing.
        if count > len(self.data) - self.at:
            raise MsgpackError(f"breaks off: {count} bytes are announced, {len(self.data) - self.at} are left")
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def value(self, depth: int) -> Plain:
        head = self.take(1)[0]
        if head <= 0x7F:
            return head
        if head >= 0xE0:
            return head - 0x100
        if head <= 0x8F:
            return self.read_map(head & 0x0F, depth)
        if head <= 0x9F:
            return self.read_list(head & 0x0F, depth)
        if head <= 0xBF:
            return self.read_text(head & 0x1F)
        if head == 0xC0:
            return None
        if head in (0xC2, 0xC3):
            return head == 0xC3
        if head in _FLOATS:
            form = _FLOATS[head]
            return float(struct.unpack(form, self.take(struct.calcsize(form)))[0])
        if head in _INTEGERS:
            return self.number(_INTEGERS[head])
        if head in _BINARY:
            return self.take(self.number(_BINARY[head]))
        if head in _TEXTS:
            return self.read_text(self.number(_TEXTS[head]))
        if head in _LISTS:
            return self.read_list(self.number(_LISTS[head]), depth)
        if head in _MAPS:
            return self.read_map(self.number(_MAPS[head]), depth)
        raise MsgpackError("extension types are not read" if head != 0xC1 else "0xc1 begins no value")

    def read_text(self, length: int) -> str:
        return self.take(length).decode("utf-8", errors="replace")

    def read_list(self, length: int, depth: int) -> list[Plain]:
        if depth == 0:
            raise MsgpackError(f"nested deeper than {DEPTH_MAX}")
        return [self.value(depth - 1) for _ in range(length)]

    def read_map(self, length: int, depth: int) -> dict[str, Plain]:
        if depth == 0:
            raise MsgpackError(f"nested deeper than {DEPTH_MAX}")
        result: dict[str, Plain] = {}
        for _ in range(length):
            key = self.value(0)
            if not isinstance(key, str):
                raise MsgpackError("a map key is not text")
            result[key] = self.value(depth - 1)
        return result


_FLOATS = {0xCA: ">f", 0xCB: ">d"}
_INTEGERS = {
    **{0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"},
    **{0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"},
}
_BINARY = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_TEXTS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_LISTS = {0xDC: ">H", 0xDD: ">I"}
_MAPS = {0xDE: ">H", 0xDF: ">I"}


def _write(out: bytearray, value: Plain, depth: int) -> None:
    if value is None:
        out.append(0xC0)
    elif isinstance(value, bool):  # before int: in Python a bool is one
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int):
        _write_integer(out, value)
    elif isinstance(value, float):
        out += b"\xcb" + struct.pack(">d", value)
    elif isinstance(value, str):
        encoded = value.encode("utf-8", errors="replace")
        _write_head(out, len(encoded), fixed=(0xA0, 31), sized=_TEXTS)
        out += encoded
    elif isinstance(value, bytes):
        _write_head(out, len(value), fixed=None, sized=_BINARY)
        out += value
    elif depth == 0:
        raise MsgpackError(f"nested deeper than {DEPTH_MAX}")
    elif isinstance(value, list):
        _write_head(out, len(value), fixed=(0x90, 15), sized=_LISTS)
        for item in value:
            _write(out, item, depth - 1)
    elif isinstance(value, dict):
        _write_head(out, len(value), fixed=(0x80, 15), sized=_MAPS)
        for key, item in value.items():
            if not isinstance(key, str):
                raise MsgpackError("a map key is not text")
            _write(out, key, depth - 1)
            _write(out, item, depth - 1)
    else:
        raise MsgpackError(f"{type(value).__name__} has no place in a body")


def _write_integer(out: bytearray, value: int) -> None:
    if -32 <= value <= 127:
        out += struct.pack(">B" if value >= 0 else ">b", value)
        return
    forms = (0xCC, 0xCD, 0xCE, 0xCF) if value >= 0 else (0xD0, 0xD1, 0xD2, 0xD3)
    for head in forms:
        try:
            packed = struct.pack(_INTEGERS[head], value)
        except struct.error:
            continue
        out.append(head)
        out += packed
        return
    raise MsgpackError(f"{value} needs more than 64 bits")


def _write_head(out: bytearray, length: int, fixed: tuple[int, int] | None, sized: dict[int, str]) -> None:
    if fixed is not None and length <= fixed[1]:
        out.append(fixed[0] | length)
        return
    for head, form in sized.items():
        if length < 1 << (8 * struct.calcsize(form)):
            out.append(head)
            out += struct.pack(form, length)
            return
    raise MsgpackError(f"{length} is too long")
