"""TensorBoard's event files, read without TensorBoard: the messages are described here to the
protobuf library, and the checksums computed bit by bit."""
import glob
import os
import struct

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

BYTES, DOUBLE, FLOAT, INT64, INT32, STRING, MESSAGE = 12, 1, 2, 3, 5, 9, 11
MESSAGES = {
    "PluginData": [("plugin_name", 1, STRING), ("content", 2, BYTES)],
    "Metadata": [("plugin_data", 1, "PluginData"), ("data_class", 4, INT32)],
    "Dim": [("size", 1, INT64)],
    "Shape": [("dim", 2, ["Dim"])],
    "Tensor": [("dtype", 1, INT32), ("tensor_shape", 2, "Shape"), ("string_val", 8, [BYTES])],
    "Value": [("tag", 1, STRING), ("simple_value", 2, FLOAT), ("tensor", 8, "Tensor"),
              ("metadata", 9, "Metadata")],
    "Summary": [("value", 1, ["Value"])],
    "SessionLog": [("status", 1, INT32)],
    "SourceMetadata": [("writer", 1, STRING)],
    "Event": [("wall_time", 1, DOUBLE), ("step", 2, INT64), ("file_version", 3, STRING),
              ("summary", 5, "Summary"), ("session_log", 7, "SessionLog"),
              ("source_metadata", 10, "SourceMetadata")],
}


def event_class():
    file = descriptor_pb2.FileDescriptorProto(name="events.proto", package="events",
                                              syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            repeated = isinstance(kind, list)
            kind = kind[0] if repeated else kind
            added = message.field.add(name=field, number=number, label=3 if repeated else 1)
            added.type = MESSAGE if isinstance(kind, str) else kind
            if isinstance(kind, str):
                added.type_name = f".events.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    described = pool.FindMessageTypeByName("events.Event")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(described)
    return message_factory.MessageFactory(pool).GetPrototype(described)


def masked_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_file(path):
    """The events of one file; every checksum is checked, and nothing may be left over."""
    Event = event_class()
    events, at = [], 0
    with open(path, "rb") as file:
        data = file.read()
    while at < len(data):
        length, crc = struct.unpack_from("<QI", data, at)
        assert crc == masked_crc32c(data[at:at + 8]), f"{path}: length at {at}"
        payload = data[at + 12:at + 12 + length]
        (crc,) = struct.unpack_from("<I", data, at + 12 + length)
        assert crc == masked_crc32c(payload), f"{path}: payload at {at}"
        event = Event.FromString(payload)
        assert not event.UnknownFields() if hasattr(event, "UnknownFields") else True
        events.append(event)
        at += 16 + length
    assert events[0].file_version == "brain.Event:2", path
    return events


class Run:
    """The files of a folder, in the order in which TensorBoard reads them."""

    def __init__(self, folder):
        self.scalars, self.texts, self.starts = {}, {}, []
        self.files = sorted(glob.glob(os.path.join(folder, "events.out.tfevents.*")))
        for path in self.files:
            for event in read_file(path):
                self.add(event)

    def add(self, event):
        if event.HasField("session_log"):
            assert event.session_log.status == 1
            self.starts.append(event.step)
            for series in list(self.scalars.values()) + list(self.texts.values()):
                # TensorBoard's rule; files are shortened before, so nothing is left to forget.
                assert all(step < event.step for step, _ in series), "orphaned events"
        for value in event.summary.value:
            if value.HasField("tensor"):
                assert value.metadata.plugin_data.plugin_name == "text"
                assert value.tensor.dtype == 7 and value.tensor.tensor_shape.dim[0].size == 1
                series, data = self.texts, value.tensor.string_val[0].decode()
            else:
                series, data = self.scalars, value.simple_value
            series.setdefault(value.tag, []).append((event.step, data))
