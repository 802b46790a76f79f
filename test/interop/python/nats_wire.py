"""A NATS client of one file: the text protocol over a socket, with headers, requests and reconnecting.

Written from https://docs.nats.io/reference/reference-protocols/nats-protocol. One thread reads; whoever subscribes is
handed messages on that thread, so a handler has to be quick: usually it puts them into a queue.
"""
from __future__ import annotations

import json
import os
import queue
import random
import re
import secrets
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Callable, Mapping
from urllib.parse import SplitResult, unquote, urlsplit

PING_SECONDS = 5.0
PINGS_UNANSWERED_MAX = 2
CONNECT_SECONDS = 5.0
RETRY_SECONDS_MAX = 2.0


class NatsError(Exception):
    """The server, or the way to it, did not do what was asked."""


class Disconnected(NatsError):
    """There is no connection now: nothing was sent, and nothing will be."""


class NoResponders(NatsError):
    """Nobody listens there."""


class Timeout(NatsError):
    """No answer in time: what was asked may still have been done."""


@dataclass(frozen=True)
class Message:
    subject: str
    data: bytes = b""
    reply: str = ""
    #: As they came, first value first; names in the sender's case.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: 404, 408, 409, 503 …: a word of the server, not of a publisher. Else 0.
    status: int = 0

    def header(self, name: str) -> str | None:
        """The value of a header, whatever the case of its name."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)


Handler = Callable[[Message], None]
Note = Callable[[str], None]


class Connection:
    """Connected until `close`: a connection that is lost is made again, and subscriptions with it."""

    def __init__(self, url: str, name: str, note: Note = lambda text: None) -> None:
        self._url, self._name, self._note = urlsplit(url), name, note
        self._login = _login(self._url)
        #: Replies are read under a prefix of the user's own, where there is a user: a server can keep them apart then.
        self.inbox = f"{_inbox_prefix(self._login.get('user', ''))}.{secrets.token_hex(8)}"
        self.info: dict[str, object] = {}
        self._subscriptions: dict[int, tuple[str, Handler]] = {}
        #: Who waits for an answer, by reply subject: what was asked, and where the answer or an error goes.
        self._waiting: dict[str, tuple[str, queue.Queue[Message | NatsError]]] = {}
        #: Set, one after the other, as the server answers our pings.
        self._pings: deque[threading.Event] = deque()
        self._next = 0
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._closed = threading.Event()
        # All answers come on one subscription, as in other clients.
        self.subscribe(f"{self.inbox}.answer.*", self._take_answer)
        stream = self._connect()
        threading.Thread(target=self._run, args=(stream,), name="nats reader", daemon=True).start()
        threading.Thread(target=self._ping, name="nats pings", daemon=True).start()

    def subscribe(self, subject: str, handler: Handler) -> int:
        _check_subject(subject)
        with self._lock:
            self._next += 1
            sid = self._next
            self._subscriptions[sid] = (subject, handler)
            if self._socket is not None:
                try:
                    self._send(self._socket, f"SUB {subject} {sid}\r\n".encode())
                except Disconnected:
                    pass  # the next connection makes up for it
        return sid

    def unsubscribe(self, sid: int) -> None:
        with self._lock:
            self._subscriptions.pop(sid, None)
            if self._socket is not None:
                try:
                    self._send(self._socket, f"UNSUB {sid}\r\n".encode())
                except Disconnected:
                    pass  # what is made next does without it

    def publish(
        self, subject: str, data: bytes = b"", headers: Mapping[str, str] | None = None, reply: str = ""
    ) -> None:
        """Hands a message to the connection. Raises Disconnected where there is none: it is not kept for later."""
        frame = _frame(subject, data, headers or {}, reply)
        with self._lock:
            if self._socket is None:
                raise Disconnected("there is no connection to the server")
            self._send(self._socket, frame)

    def request(
        self, subject: str, data: bytes = b"", headers: Mapping[str, str] | None = None, seconds: float = 5.0
    ) -> Message:
        """The one answer. Raises NoResponders, Timeout, Disconnected."""
        reply = f"{self.inbox}.answer.{secrets.token_hex(8)}"
        answers: queue.Queue[Message | NatsError] = queue.Queue()
        with self._lock:
            self._waiting[reply] = (subject, answers)
        try:
            self.publish(subject, data, headers, reply)
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            raise Timeout(f"{subject}: no answer within {seconds:g} s") from None
        finally:
            with self._lock:
                self._waiting.pop(reply, None)
        if isinstance(answer, NatsError):
            raise answer
        if answer.status == 503:
            raise NoResponders(f"{subject}: nobody listens there")
        return answer

    def flush(self, seconds: float = 5.0) -> None:
        """Returns when the server has seen all that was sent: it then knows of every subscription."""
        with self._lock:
            if self._socket is None:
                raise Disconnected("there is no connection to the server")
            pong = self._send_ping(self._socket)
        if not pong.wait(seconds):
            raise Timeout("the server did not answer a ping")

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            _hang_up(self._socket)

    def _connect(self) -> _Stream:
        host, port = self._url.hostname or "127.0.0.1", self._url.port or 4222
        connected = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
        try:
            stream = _Stream(connected)
            line = stream.line()
            if not line.startswith("INFO "):
                raise NatsError(f"{host}:{port} is no NATS server: it said {line[:80]!r}")
            self.info = json.loads(line[5:])
            connected.sendall(b"CONNECT " + json.dumps(self._options()).encode() + b"\r\nPING\r\n")
            while (line := stream.line()) != "PONG":
                if line.startswith("-ERR"):
                    raise NatsError(f"the server refuses the connection: {line[5:]}")
            connected.settimeout(None)
            with self._lock:
                for sid, (subject, _) in self._subscriptions.items():
                    connected.sendall(f"SUB {subject} {sid}\r\n".encode())
                self._socket = connected
            return stream
        except BaseException:
            connected.close()
            raise

    def _options(self) -> dict[str, object]:
        return {
            **{"verbose": False, "pedantic": False, "lang": "python", "version": "1", "protocol": 1},
            # Without `no_responders` a request to nobody waits for its deadline.
            **{"name": self._name, "headers": True, "no_responders": True, "echo": True},
            **self._login,
        }

    def _run(self, stream: _Stream) -> None:
        while not self._closed.is_set():
            try:
                self._read(stream)
            except (OSError, NatsError) as error:
                self._lose(error)
            wait = 0.05
            while not self._closed.wait(wait * random.uniform(0.5, 1.0)):
                try:
                    stream = self._connect()
                    self._note("connected again")
                    break
                except (OSError, NatsError, ValueError):
                    wait = min(wait * 2, RETRY_SECONDS_MAX)

    def _lose(self, error: Exception) -> None:
        with self._lock:
            _hang_up(self._socket)
            self._socket = None
            self._pings.clear()
            for subject, answers in self._waiting.values():
                answers.put(Disconnected(f"{subject}: the connection was lost before the answer came"))
        if not self._closed.is_set():
            self._note(f"the connection is lost: {error}")

    def _read(self, stream: _Stream) -> None:
        while True:
            verb, _, rest = stream.line().partition(" ")
            if verb in ("MSG", "HMSG"):
                self._deliver(*stream.message(verb, rest))
            elif verb == "PING":
                with self._lock:
                    if self._socket is not None:
                        self._send(self._socket, b"PONG\r\n")
            elif verb == "PONG":
                with self._lock:
                    if self._pings:
                        self._pings.popleft().set()
            elif verb == "-ERR":
                self._take_error(rest)
            elif verb == "INFO":
                self.info = json.loads(rest)

    def _deliver(self, sid: int, message: Message) -> None:
        with self._lock:
            entry = self._subscriptions.get(sid)
        if entry is None:
            return
        try:
            entry[1](message)
        except Exception as error:  # one handler's fault must not stop the reader of all
            self._note(f"a handler of {entry[0]} failed: {error!r}")

    def _take_answer(self, message: Message) -> None:
        with self._lock:
            waiting = self._waiting.get(message.subject)
        if waiting is not None:
            waiting[1].put(message)

    def _take_error(self, text: str) -> None:
        """A refused publish is only told, and by its subject: whoever waits for an answer to it would wait in vain."""
        self._note(f"the server says {text}")
        refused = _REFUSED_PUBLISH.search(text)
        if refused is None:
            return
        with self._lock:
            for subject, answers in self._waiting.values():
                if subject == refused[1]:
                    answers.put(NatsError(f"{subject}: the server does not allow this user to ask that"))

    def _ping(self) -> None:
        while not self._closed.wait(PING_SECONDS):
            with self._lock:
                if self._socket is None:
                    continue
                if len(self._pings) >= PINGS_UNANSWERED_MAX:
                    _hang_up(self._socket)  # the reader notices, and connects again
                    continue
                try:
                    self._send_ping(self._socket)
                except Disconnected:
                    pass

    def _send_ping(self, connected: socket.socket) -> threading.Event:
        pong = threading.Event()
        self._pings.append(pong)
        self._send(connected, b"PING\r\n")
        return pong

    @staticmethod
    def _send(connected: socket.socket, frame: bytes) -> None:
        try:
            connected.sendall(frame)
        except OSError as error:
            _hang_up(connected)
            raise Disconnected(f"the connection was lost: {error}") from error


class _Stream:
    """Lines and counted bytes of a socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._file = connected.makefile("rb")

    def line(self) -> str:
        line: bytes = self._file.readline()
        if not line.endswith(b"\n"):
            raise NatsError("the server ended the connection")
        return line.decode("utf-8", errors="replace").rstrip("\r\n")

    def message(self, verb: str, rest: str) -> tuple[int, Message]:
        """`MSG subject sid [reply] size`, `HMSG subject sid [reply] header_size size`; then so many bytes."""
        words = rest.split()
        sizes = 2 if verb == "HMSG" else 1
        subject, sid, *reply = words[:-sizes]
        head_size, size = (int(words[-2]), int(words[-1])) if sizes == 2 else (0, int(words[-1]))
        block: bytes = self._file.read(size + 2)
        if len(block) < size + 2:
            raise NatsError("the server ended the connection")
        status, headers = read_headers(block[:head_size])
        return int(sid), Message(subject, block[head_size:size], reply[0] if reply else "", headers, status)


def read_headers(block: bytes) -> tuple[int, dict[str, str]]:
    """The status of a message, 0 where it has none, and its headers."""
    first, *lines = block.decode("utf-8", errors="replace").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name, value.strip())  # of a header that is repeated the first value counts
    status = first[len("NATS/1.0") :].split(" ", 2)[1:2] if first.startswith("NATS/1.0 ") else []
    if status:
        headers.setdefault("Description", first.split(" ", 2)[2] if first.count(" ") > 1 else "")
    return (int(status[0]) if status and status[0].isdigit() else 0), headers


def _frame(subject: str, data: bytes, headers: Mapping[str, str], reply: str) -> bytes:
    _check_subject(subject)
    to = f"{subject} {reply}" if reply else subject
    if not headers:
        return f"PUB {to} {len(data)}\r\n".encode() + data + b"\r\n"
    for name, value in headers.items():
        # A line end in either would begin a header, or a command, of somebody else's choosing.
        if not _HEADER_NAME.fullmatch(name) or "\r" in value or "\n" in value:
            raise NatsError(f"{name!r}: {value!r} is no header")
    head = ("NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode()
    return f"HPUB {to} {len(head)} {len(head) + len(data)}\r\n".encode() + head + data + b"\r\n"


_HEADER_NAME = re.compile(r"[!-9;-~]+")
_REFUSED_PUBLISH = re.compile(r"permissions violation for publish to \"([^\"]+)\"", re.IGNORECASE)


def _login(url: SplitResult) -> dict[str, str]:
    """From the URL, or from the environment: there nobody reads it off the list of processes."""
    user, password = unquote(url.username or ""), unquote(url.password or "")
    if user and not password:
        return {"auth_token": user}
    user, password = user or os.environ.get("NATS_USER", ""), password or os.environ.get("NATS_PASSWORD", "")
    if user:
        return {"user": user, "pass": password}
    token = os.environ.get("NATS_TOKEN", "")
    return {"auth_token": token} if token else {}


def _inbox_prefix(user: str) -> str:
    return f"_INBOX_{user}" if re.fullmatch(r"[A-Za-z0-9-]{1,64}", user) else "_INBOX"


def _check_subject(subject: str) -> None:
    if not subject or re.search(r"[\s\x00-\x1f]", subject):
        raise NatsError(f"{subject!r} is no subject")


def _hang_up(connected: socket.socket | None) -> None:
    if connected is None:
        return
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connected.close()


def connect(url: str, name: str, wait_seconds: float, note: Note = lambda text: None) -> Connection:
    """A connection, tried for again and again until `wait_seconds` have passed. Raises NatsError."""
    until = time.monotonic() + wait_seconds
    while True:
        try:
            return Connection(url, name, note)
        except OSError as error:
            if time.monotonic() >= until:
                raise NatsError(f"no connection to the server within {wait_seconds:g} s: {error}") from error
            time.sleep(0.1)
