"""Writes one Swift table per .proto file for the JSON codec: names, numbers, types, labels and printed defaults.

Usage: schema_tables.py DESCRIPTOR_SET OUTPUT_DIRECTORY FILE.proto...

DESCRIPTOR_SET is what `protoc --descriptor_set_out` wrote. The generated Swift messages know names and numbers but not
declaration order, explicit defaults or deprecation, and the JSON of Apache Mesos depends on all three. The few fields of
descriptor.proto that matter are read here by number, so that no Python package is needed.
"""

import pathlib
import sys

SCALARS = {
    1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 12: "bytes", 13: "uint32",
    17: "sint32",
}
MESSAGE, ENUM = 11, 14
LABELS = {1: "optional", 2: "required", 3: "repeated"}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """All (number, value) pairs of one encoded message, in order."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            raise SystemExit(f"unexpected wire type {wire}")
        yield number, value


def last(data, number, default=None):
    found = [value for n, value in fields(data) if n == number]
    return found[-1] if found else default


def text(data, number):
    value = last(data, number)
    return None if value is None else value.decode()


def entries_of_maps(message):
    """Map entry name -> key and value fields, for the nested types protoc makes for map fields."""
    found = {}
    for number, nested in fields(message):
        if number == 3 and last(last(nested, 7, b""), 7, 0):
            by_name = {text(f, 1): f for n, f in fields(nested) if n == 2}
            found[text(nested, 1)] = (by_name["key"], by_name["value"])
    return found


def type_name(field):
    kind = last(field, 5)
    if kind == MESSAGE:
        return "message:" + text(field, 6).lstrip(".")
    if kind == ENUM:
        return "enum:" + text(field, 6).lstrip(".")
    return SCALARS[kind]


def field_line(field, maps, implicit_zeros):
    name, number = text(field, 1), last(field, 3)
    label = LABELS[last(field, 4)]
    entry = maps.get((text(field, 6) or "").split(".")[-1])
    if entry:
        if type_name(entry[0]) != "string":
            raise SystemExit(f"{name}: only string keys are supported")
        return f"{number} {name} map {type_name(entry[1])}"
    default = text(field, 7)
    if default is None and implicit_zeros and label == "optional" and type_name(field) in ("int32", "int64"):
        default = "0"
    deprecated = last(last(field, 8, b""), 3, 0)
    shown = f" {default}" if default is not None and not deprecated else ""
    return f"{number} {name} {label} {type_name(field)}{shown}"


def enum_lines(enum, scope):
    yield f"enum {scope}{text(enum, 1)}"
    for number, value in fields(enum):
        if number == 2:
            yield f"{last(value, 2, 0)} {text(value, 1)}"


def message_lines(message, scope, implicit_zeros):
    name = scope + text(message, 1)
    maps = entries_of_maps(message)
    yield f"message {name}"
    for number, field in fields(message):
        if number == 2:
            yield field_line(field, maps, implicit_zeros)
    for number, nested in fields(message):
        if number == 3 and text(nested, 1) not in maps:
            yield from message_lines(nested, name + ".", implicit_zeros)
        elif number == 4:
            yield from enum_lines(nested, name + ".")


def main():
    descriptor_set, output, names = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    files = {text(f, 1): f for n, f in fields(pathlib.Path(descriptor_set).read_bytes()) if n == 1}
    for proto in names:
        package = text(files[proto], 2)
        # A zero in a proto3 message looks like an unset field, and is printed all the same.
        implicit_zeros = text(files[proto], 12) == "proto3"
        lines = []
        for number, value in fields(files[proto]):
            if number == 4:
                lines += message_lines(value, package + ".", implicit_zeros)
            elif number == 5:
                lines += enum_lines(value, package + ".")
        stem = pathlib.Path(proto).stem
        body = "\n".join("        " + line for line in lines)
        (output / f"{stem}.schema.swift").write_text(
            f"// DO NOT EDIT. Written by Protos/schema_tables.py from {proto}; Schema.swift says how it reads.\n"
            f"// swift-format-ignore-file\n\nextension Schema {{\n    static let {stem}Table = #\"\"\"\n{body}\n"
            f'        """#\n}}\n'
        )


main()
