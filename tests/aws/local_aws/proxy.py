"""A reverse proxy on loopback: passes every byte of path and body on, and lets a subclass look and decide."""

import asyncio
import threading
from dataclasses import dataclass, field


@dataclass
class Message:
    """A request or an answer: its first line, its headers in order, its body."""

    first: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known.lower() == name), "")

    def encode(self) -> bytes:
        """With its length, whatever way it came."""
        framing = ("content-length", "transfer-encoding", "connection", "keep-alive")
        kept = [(name, value) for name, value in self.headers if name.lower() not in framing]
        lines = [self.first, *(f"{name}: {value}" for name, value in kept), f"content-length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


async def read(stream: asyncio.StreamReader, answers: str = "") -> Message | None:
    """Reads a message; `answers` is the method of the request it answers, if it is an answer. None at the end."""
    try:
        head = await stream.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    message = Message(first, [tuple(part.strip() for part in line.split(":", 1)) for line in lines])
    if answers and (answers == "HEAD" or first.split(" ", 2)[1] in ("204", "304")):
        return message
    if "chunked" in message.header("transfer-encoding").lower():
        while size := int((await stream.readuntil(b"\r\n")).split(b";")[0], 16):
            message.body += await stream.readexactly(size)
            await stream.readexactly(2)
        await stream.readuntil(b"\r\n")
    elif length := message.header("content-length"):
        message.body = await stream.readexactly(int(length))
    return message


def answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> Message:
    return Message(f"HTTP/1.1 {status} -", list((headers or {}).items()), body)


class Proxy:
    """Listens on a free loopback port and passes on to another; it runs in a thread until `stop`."""

    def __init__(self, target_port: int, host: str | None = None):
        self.target_port = target_port
        """What the Host header is set to; None leaves it as it came."""
        self.host = host
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(timeout=10)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def _listen(self):
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512, limit=1 << 20)

    def stop(self):
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def decide(self, request: Message, connection: int) -> Message | None:
        """Looks at a request before it is passed on; an answer given here is sent instead."""

    def passed(self, request: Message, response: Message, connection: int):
        """Looks at what a request was answered with."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        connection = writer.get_extra_info("peername")[1]
        try:
            while request := await read(reader):
                response = self.decide(request, connection)
                if response is None:
                    response = await self._pass_on(request)
                self.passed(request, response, connection)
                writer.write(response.encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _pass_on(self, request: Message) -> Message:
        method = request.first.split(" ", 1)[0]
        if self.host:
            kept = [(name, value) for name, value in request.headers if name.lower() != "host"]
            request = Message(request.first, [("Host", self.host), *kept], request.body)
        while True:
            fresh = not self._idle
            reader, writer = self._idle.pop() if self._idle else await self._connect()
            try:
                writer.write(request.encode())
                response = await read(reader, answers=method)
            except ConnectionError:
                response = None
            if response is not None:
                # Informational answers do not come: nobody asks for 100-continue.
                if response.header("connection").lower() == "close":
                    writer.close()
                else:
                    self._idle.append((reader, writer))
                return response
            writer.close()
            # A connection that had been idle may have been closed; a new one that ends says nothing.
            if fresh:
                return answer(502, b'{"message": "the emulator closed the connection"}')

    async def _connect(self):
        return await asyncio.open_connection("127.0.0.1", self.target_port, limit=1 << 20)
