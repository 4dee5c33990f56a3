"""Messages come out as they went in, however the stream is cut."""

from senior_backend.load.engine.messages import Decoder, encode

SAID = [("start", 5), ("window", {"index": 0, "values": list(range(1000))}), ("stop",)]


def test_messages_are_the_same_wherever_the_stream_is_cut() -> None:
    stream = b"".join(encode(*message) for message in SAID)
    assert Decoder().feed(stream) == SAID
    for size in (1, 3, 1000):
        decoder = Decoder()
        heard = []
        for start in range(0, len(stream), size):
            heard += decoder.feed(stream[start : start + size])
        assert heard == SAID


def test_half_a_message_is_none() -> None:
    decoder = Decoder()
    stream = encode("token", "secret")
    assert decoder.feed(stream[:-1]) == []
    assert decoder.feed(stream[-1:]) == [("token", "secret")]
