"""Recorded lines become records, files become one recording in order of time."""

from pathlib import Path

import aiohttp
import pytest

from brokerwire.simulator import Simulator
from brokerwire.simulator.recorded import (
    Answered,
    Configured,
    Connected,
    Received,
    RecordingError,
    Sent,
    parse_line,
    parse_lines,
    read_recording,
)
from brokerwire.testing.virtual_time import VirtualClock

SHARED = Path(__file__).parents[3] / "shared" / "recordings" / "binance"


def test_line_with_two_way_arrow_is_a_connection():
    record = parse_line(b"wss://a.example:9443/stream?streams=x@trade/y@trade <-> 1633998511.159679\n")
    assert record == Connected("wss://a.example:9443/stream?streams=x@trade/y@trade", 1_633_998_511_159_679_000)


def test_line_with_left_arrow_is_a_sent_frame():
    record = parse_line(b'wss://a.example/ws <- 12.5: {"method":"SUBSCRIBE"}\n')
    assert record == Sent("wss://a.example/ws", 12_500_000_000, b'{"method":"SUBSCRIBE"}')


def test_line_with_time_only_is_a_received_frame_byte_for_byte():
    record = parse_line(b'1633998512.0633569: {"p": "1.10",  "x":"\xc3\xa9: y"}\n')
    assert record == Received(1_633_998_512_063_356_900, b'{"p": "1.10",  "x":"\xc3\xa9: y"}')


def test_line_with_right_arrow_is_an_answer_with_its_path_and_symbol():
    record = parse_line(b'https://a.example/api/v3/depth?symbol=AB&limit=5 -> 7: {"lastUpdateId":1}')
    assert isinstance(record, Answered)
    assert (record.path, record.parameter("symbol"), record.parameter("zone")) == ("/api/v3/depth", "AB", None)
    assert record.payload == b'{"lastUpdateId":1}'


def test_configuration_line_keeps_its_json():
    assert parse_line(b'configuration: {"trades":["A-B"]}') == Configured(b'{"trades":["A-B"]}')


def test_empty_line_is_no_record():
    assert parse_line(b"  \r\n") is None


@pytest.mark.parametrize("line", [b"hello", b"12.5 {}", b"wss://a -- 1", b"https://a -> x: {}"])
def test_line_of_another_form_is_refused_with_file_and_number(line):
    with pytest.raises(RecordingError) as caught:
        list(parse_lines([b"1: {}", line], file="A.ws.1"))
    assert (caught.value.file, caught.value.line) == ("A.ws.1", 2)


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines) + "\n")


def test_folder_merges_its_files_in_order_of_time(tmp_path):
    write(tmp_path, "V.ws.1.0", "wss://h/ws/a@trade <-> 1.0", "2.0: {1}", "4.0: {3}")
    write(tmp_path, "V.ws.2.0", "wss://h/ws/b@trade <-> 1.0", "3.0: {2}")
    write(tmp_path, "V.http.0.0", "https://h/x?symbol=B -> 2.5: {}")
    write(tmp_path, "V.0", "https://h/y -> 0.5: {}", "configuration: {}")
    write(tmp_path, "README.md", "no recording")
    recording = read_recording(tmp_path)
    assert [(frame.payload, frame.url) for frame in recording.frames] == [
        (b"{1}", "wss://h/ws/a@trade"),
        (b"{2}", "wss://h/ws/b@trade"),
        (b"{3}", "wss://h/ws/a@trade"),
    ]
    assert [answer.path for answer in recording.answers] == ["/y", "/x"]
    assert recording.configurations == (b"{}",)


def test_folder_that_is_missing_or_holds_nothing_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_recording(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match=r"no \*"):
        read_recording(tmp_path)


def test_sent_frames_are_kept(tmp_path):
    write(tmp_path, "V.ws.1", "wss://h/ws <-> 1.0", 'wss://h/ws <- 1.1: {"id":1}', "1.2: {}")
    assert [sent.payload for sent in read_recording(tmp_path).sent] == [b'{"id":1}']


STREAMS = [f"{pair}@{kind}" for pair in ("btcusdt", "ethusdt", "bnbusdt") for kind in ("depth@100ms", "bookTicker")]


async def write_session_down(folder: Path, count: int) -> list[bytes]:
    """Write down what a simulated venue says, as a recorder would; returns the frames."""
    clock = VirtualClock()
    frames: list[bytes] = []
    answers: list[str] = []
    async with Simulator("binance", seed=3, clock=clock) as simulator, aiohttp.ClientSession() as session:
        url = f"{simulator.endpoints['stream']}/stream?streams={'/'.join(STREAMS)}"
        lines = [f"{url} <-> {clock.time_ns() / 1e9}"]
        async with session.ws_connect(url) as socket:
            for number in range(count):
                text = await socket.receive_str(timeout=10)
                frames.append(text.encode())
                lines.append(f"{clock.time_ns() / 1e9}: {text}")
                if number == count // 2:
                    answers += [
                        await written_answer(session, simulator, clock, pair) for pair in ("BTCUSDT", "ETHUSDT")
                    ]
    write(folder, "BINANCE.ws.1.0", *lines)
    write(folder, "BINANCE.http.0.0", *answers)
    return frames


async def written_answer(session: aiohttp.ClientSession, simulator: Simulator, clock: VirtualClock, pair: str) -> str:
    url = f"{simulator.endpoints['rest']}/api/v3/depth?symbol={pair}&limit=1000"
    async with session.get(url) as answer:
        return f"{url} -> {clock.time_ns() / 1e9}: {await answer.text()}"


async def test_session_written_down_from_the_wire_is_read_whole_and_played_again(tmp_path):
    frames = await write_session_down(tmp_path, 300)
    recording = read_recording(tmp_path)
    assert [frame.payload for frame in recording.frames] == frames
    assert [answer.parameter("symbol") for answer in recording.answers] == ["BTCUSDT", "ETHUSDT"]
    settings = {"replay_delay_s": 0.2}
    simulator = Simulator("binance", clock=VirtualClock(), replay=tmp_path, speed="max", settings=settings)
    async with simulator, aiohttp.ClientSession() as session:
        url = f"{simulator.endpoints['stream']}/stream?streams={'/'.join(STREAMS)}"
        async with session.ws_connect(url) as socket:
            assert [(await socket.receive_str(timeout=10)).encode() for _ in frames] == frames


if SHARED.is_dir():  # a venue's own words, which are not ours to keep beside the code

    def test_shared_recording_is_read_whole():
        recording = read_recording(SHARED)
        assert (len(recording.frames), len(recording.answers), len(recording.configurations)) == (265, 5, 1)
