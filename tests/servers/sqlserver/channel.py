"""A client's connection: packets (MS-TDS 2.2.3), TLS within PRELOGIN packets (2.2.6.5, 3.3.5.2) or around everything (TDS 8.0)."""

import select
import socket
import ssl
import struct
import time
from collections.abc import Sequence

SQL_BATCH, RPC, REPLY, ATTENTION, BULK, TRANSACTION, LOGIN, SSPI, PRELOGIN = 0x01, 0x03, 0x04, 0x06, 0x07, 0x0E, 0x10, 0x11, 0x12
END = 0x01
MORE = 0x01  # of a DONE token
Bytes = bytes | bytearray | memoryview


class Disconnected(Exception):
    """The client is gone, or the connection was cut on purpose."""


class Channel:
    def __init__(self, connection: socket.socket, spid: int) -> None:
        self.socket = connection
        self.spid = spid
        self.packet_size = 4096
        self.tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._buffer = bytearray()
        self.sent = 0
        self.cut_after: int | None = None  # bytes, then the connection is reset
        self.bytes_per_second: float | None = None
        self.first_status = 0  # of the message read last

    # ---- receiving

    def _receive(self) -> bytes:
        try:
            data = self.socket.recv(1 << 16)
        except OSError as error:
            raise Disconnected from error
        if not data:
            raise Disconnected
        return data

    def _need(self, count: int) -> None:
        while len(self._buffer) < count:
            if self.tls is None:
                self._buffer += self._receive()
                continue
            try:
                self._buffer += self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                self._incoming.write(self._receive())
            except ssl.SSLError as error:
                raise Disconnected from error

    def packet(self) -> tuple[int, int, bytes]:
        """Type, status and content of the next packet."""
        self._need(8)
        kind, status, length = struct.unpack_from(">BBH", self._buffer)
        if length < 8:
            raise Disconnected
        self._need(length)
        data = bytes(self._buffer[8:length])
        del self._buffer[:length]
        return kind, status, data

    def message(self) -> tuple[int, bytes]:
        parts: list[bytes] = []
        while True:
            kind, status, data = self.packet()
            if not parts:
                self.first_status = status
            parts.append(data)
            if status & END:
                return kind, b"".join(parts)

    def readable(self) -> bool:
        if self._buffer or (self.tls is not None and (self.tls.pending() or self._incoming.pending)):
            return True
        return bool(select.select([self.socket], [], [], 0)[0])

    def attention(self) -> bool:
        """Whether the client asked to stop, looked at without waiting."""
        if not self.readable():
            return False
        kind, _, _ = self.packet()
        return kind == ATTENTION

    # ---- sending

    def send(self, parts: Sequence[Bytes]) -> None:
        if self.tls is None:
            self._send(parts)
            return
        for part in parts:
            self.tls.write(part)
        self._send([self._outgoing.read()])

    def _send(self, parts: Sequence[Bytes]) -> None:
        size = sum(map(len, parts))
        if self.cut_after is not None and self.sent + size >= self.cut_after:
            whole = b"".join(bytes(part) for part in parts)
            self._send_all([whole[: max(self.cut_after - self.sent, 0)]])
            self.reset()
            raise Disconnected
        if self.bytes_per_second is not None:
            time.sleep(size / self.bytes_per_second)
        self._send_all(parts)
        self.sent += size

    def _send_all(self, parts: Sequence[Bytes]) -> None:
        try:
            for at in range(0, len(parts), 512):
                group = parts[at : at + 512]
                sent = self.socket.sendmsg(group)
                left = sum(map(len, group)) - sent
                if left:
                    self.socket.sendall(b"".join(group)[sent:])
        except OSError as error:
            raise Disconnected from error

    def reset(self) -> None:
        """Close without a good-bye: the client sees “connection reset by peer”."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def hang_up(self) -> None:
        """Say nothing more: the client reads all that was sent, and then the end."""
        self.socket.shutdown(socket.SHUT_WR)

    # ---- TLS

    def handshake(self, context: ssl.SSLContext, *, wrapped: bool) -> None:
        """`wrapped`: the handshake travels in PRELOGIN packets, one message a flight; otherwise bare (TDS 8.0)."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        if not wrapped and self._buffer:
            self._incoming.write(bytes(self._buffer))
            self._buffer.clear()
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError as error:
                self._flight(self._outgoing.read(), wrapped=wrapped)
                raise Disconnected from error
            self._flight(self._outgoing.read(), wrapped=wrapped)
            if done:
                break
            self._incoming.write(self.message()[1] if wrapped else self._receive())
        self.tls = tls

    def _flight(self, data: bytes, *, wrapped: bool) -> None:
        if not data:
            return
        if not wrapped:
            self._send([data])
            return
        room = self.packet_size - 8
        pieces = [data[at : at + room] for at in range(0, len(data), room)]
        for at, piece in enumerate(pieces):
            self._send(
                [struct.pack(">BBHHBB", PRELOGIN, END if at == len(pieces) - 1 else 0, len(piece) + 8, 0, at & 0xFF, 0), piece]
            )

    def plain_again(self) -> None:
        """Encryption of the login alone: what follows is in clear."""
        self.tls = None


class Output:
    """The answer to one message, cut into packets."""

    def __init__(self, channel: Channel, *, watch: bool = True) -> None:
        self.channel = channel
        self.watch = watch
        self.interrupted = False
        self._buffer = bytearray()
        self._number = 0
        self._held: tuple[int, int, int, int] | None = None

    def hold(self, token: int, status: int, command: int, rows: int) -> None:
        """A DONE that says “more comes” if more comes, and ends the message if nothing does."""
        self._release(MORE)
        self._held = (token, status, command, rows)

    @property
    def holds(self) -> bool:
        return self._held is not None

    def _release(self, more: int) -> None:
        if self._held is not None:
            (token, status, command, rows), self._held = self._held, None
            self._buffer += struct.pack("<BHHQ", token, status | more, command, rows)

    def write(self, data: Bytes) -> None:
        if self._held is not None:
            self._release(MORE)
        self._buffer += data
        if len(self._buffer) >= 1 << 18:
            self._flush(last=False)

    def write_pages(self, data: memoryview) -> None:
        """Rows that are encoded already, sent without being copied."""
        self._release(MORE)
        step = max((1 << 20) // (self.channel.packet_size - 8), 1) * (self.channel.packet_size - 8)
        at = 0
        if self._buffer:  # fill the packet that is begun
            at = min(-len(self._buffer) % (self.channel.packet_size - 8), len(data))
            self._buffer += data[:at]
            if at < len(data):
                self.flush()
        while len(data) - at > step:
            self._packets(data[at : at + step], last=False)
            at += step
            self._look()
        self._buffer += data[at:]

    def end(self) -> None:
        self._release(0)
        self._flush(last=True)

    def flush(self) -> None:
        """Send what there is, without ending the message."""
        content, self._buffer = bytes(self._buffer), bytearray()
        self._packets(memoryview(content), last=False)

    def _look(self) -> None:
        if self.watch and self.channel.attention():
            self.interrupted = True

    def _flush(self, *, last: bool) -> None:
        room = self.channel.packet_size - 8
        size = len(self._buffer) if last else len(self._buffer) // room * room
        if size > 0 or last:
            content = bytes(self._buffer[:size])
            del self._buffer[:size]
            self._packets(memoryview(content), last=last)
        if not last:
            self._look()

    def _packets(self, data: memoryview, *, last: bool) -> None:
        room, spid = self.channel.packet_size - 8, self.channel.spid
        parts: list[Bytes] = []
        size = len(data)
        at = 0
        head = struct.Struct(">BBHHBB").pack
        while at < size or not parts:
            piece = data[at : at + room]
            at += room
            self._number = (self._number + 1) & 0xFF
            parts.append(head(REPLY, END if last and at >= size else 0, len(piece) + 8, spid, self._number, 0))
            parts.append(piece)
        self.channel.send(parts)
