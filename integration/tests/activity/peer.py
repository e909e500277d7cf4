"""Reads and writes dumps by protobuf's own Python library, for tests of Lapwing's.

fill KIND PROTOBUF JSON   a message with every field of every message set, in both encodings
same KIND PROTOBUF JSON   fails unless both are read as the same message, with nothing unknown in it
"""

import sys

from google.protobuf import descriptor, json_format

sys.path.insert(0, sys.argv[1])
import dumps_pb2  # noqa: E402  made by protoc from dumps.proto

LEVELS = 3  # of messages that contain themselves


def value(field, counter):
    counter[0] += 1
    number = counter[0]
    kind = field.type
    if kind == descriptor.FieldDescriptor.TYPE_STRING:
        return f"text \u00e9\U0001f426 \"{number}\""
    if kind == descriptor.FieldDescriptor.TYPE_BOOL:
        return True
    if kind == descriptor.FieldDescriptor.TYPE_UINT64:
        return (1 << 64) - number
    if kind == descriptor.FieldDescriptor.TYPE_SINT64:
        return -(1 << 63) + number
    if kind == descriptor.FieldDescriptor.TYPE_INT32:
        return -number
    if kind == descriptor.FieldDescriptor.TYPE_ENUM:
        # One without a name, and all that have one.
        return number % (len(field.enum_type.values) + 1)
    return number


def fill(message, counter, depth=0):
    for field in message.DESCRIPTOR.fields:
        repeated = field.label == field.LABEL_REPEATED
        if field.message_type and field.message_type.GetOptions().map_entry:
            key, of = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            for _ in range(2):
                if of.message_type:
                    fill(getattr(message, field.name)[value(key, counter)], counter, depth + 1)
                else:
                    getattr(message, field.name)[value(key, counter)] = value(of, counter)
        elif field.message_type:
            if field.message_type == message.DESCRIPTOR and depth > LEVELS:
                continue
            target = getattr(message, field.name)
            fill(target.add() if repeated else target, counter, depth + 1)
        elif repeated:
            getattr(message, field.name).extend(value(field, counter) for _ in range(2))
        else:
            setattr(message, field.name, value(field, counter))


def unknown(message, path):
    if message.UnknownFields():
        sys.exit(f"{path}: unknown fields")
    for field, content in message.ListFields():
        if field.message_type and not field.message_type.GetOptions().map_entry:
            for part in content if field.label == field.LABEL_REPEATED else [content]:
                unknown(part, f"{path}.{field.name}")


kind, protobuf, text = sys.argv[3:]
message = getattr(dumps_pb2, kind)()
if sys.argv[2] == "fill":
    fill(message, [0])
    open(protobuf, "wb").write(message.SerializeToString(deterministic=True))
    json = json_format.MessageToJson(message, including_default_value_fields=True, preserving_proto_field_name=True)
    open(text, "w").write(json)
else:
    message.ParseFromString(open(protobuf, "rb").read())
    unknown(message, kind)
    other = json_format.Parse(open(text).read(), getattr(dumps_pb2, kind)())
    if message != other:
        sys.exit("JSON and protobuf are not the same message")
    print(message.ByteSize())
