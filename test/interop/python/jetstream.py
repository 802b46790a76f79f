"""What the protocol needs of JetStream, over a plain connection: publish until stored, pull, acknowledge, follow."""
from __future__ import annotations

import json
import queue
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nats_wire import Connection, Disconnected, Message, NatsError, NoResponders, Timeout

API = "$JS.API"
NANOS = 1_000_000_000
#: How long the server keeps a request for messages.
PULL_SECONDS = 5
#: Before it is asked again while it, or the consumer, is in trouble.
TROUBLE_SECONDS = 1
#: How a request ends that has found no message: at once, or in its time.
NOTHING_THERE = (404, 408)
HEARTBEAT = 100


class ApiError(NatsError):
    """The server says no. `code` is JetStream's `err_code`, such as 10059: no such stream."""

    def __init__(self, subject: str, code: int, description: str) -> None:
        super().__init__(f"{subject}: {description} ({code})")
        self.code = code


def api(connection: Connection, subject: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
    """A request to JetStream. Raises ApiError, and what a request raises."""
    answer = connection.request(f"{API}.{subject}", b"" if body is None else json.dumps(body).encode())
    return _checked(subject, answer)


def publish(
    connection: Connection, subject: str, data: bytes, headers: Mapping[str, str], seconds: float = 60.0
) -> bool:
    """Returns when a stream has stored the message; False when it had it already.

    An acknowledgement that is lost leaves it open whether the message was stored: so it is sent again under the same
    `Nats-Msg-Id`, and a server that has it says so. Without an id there is one for this call alone. Raises Timeout when
    that did not help within `seconds`, ApiError when the stream refuses.
    """
    named = {"Nats-Msg-Id": str(uuid.uuid4()), **headers}
    until = time.monotonic() + seconds
    while True:
        try:
            answer = _checked(subject, connection.request(subject, data, named, seconds=2.0))
            return not answer.get("duplicate", False)
        except (Disconnected, Timeout, NoResponders) as error:
            # No responders: no stream takes this subject, or JetStream is about to start after the server.
            if time.monotonic() >= until:
                raise Timeout(f"{subject}: not stored within {seconds:g} s: {error}") from error
            time.sleep(0.2)


@dataclass(frozen=True)
class Delivery:
    """A message of a stream, and what is known of it from its reply subject."""

    message: Message
    #: How often it was delivered, this time included.
    deliveries: int
    #: Its number in the stream.
    sequence: int
    #: Its number among the deliveries of its consumer.
    consumer_sequence: int
    #: Epoch seconds at which the stream stored it.
    stored_at: float

    @staticmethod
    def of(message: Message) -> Delivery:
        """Raises NatsError for what is no delivery."""
        words = message.reply.split(".")
        if words[:2] != ["$JS", "ACK"] or len(words) < 9:
            raise NatsError(f"{message.subject} came under {message.reply!r}: no delivery of a stream")
        # `$JS.ACK.<stream>.<consumer>.<five numbers>`, or with a domain and an account's hash before the stream.
        at = 4 if len(words) == 9 else 6
        delivered, sequence, consumer_sequence, nanos, _ = (int(word) for word in words[at : at + 5])
        return Delivery(message, delivered, sequence, consumer_sequence, nanos / NANOS)


class Pull:
    """Asks a durable consumer for messages, a few at a time, and has them put into `into`. Made for one thread."""

    def __init__(
        self, connection: Connection, stream: str, durable: str, into: queue.Queue[Message], batch: int = 16
    ) -> None:
        self._connection, self._batch = connection, batch
        self._next = f"{API}.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox = f"{connection.inbox}.pull"
        self._number = 0
        self._left = 0
        self._until = 0.0
        self._not_before = 0.0
        connection.subscribe(f"{self._inbox}.*", into.put)

    def ask(self) -> None:
        """Asks for more where nothing is outstanding. To be called again and again."""
        now = time.monotonic()
        if now < self._not_before or (self._left > 0 and now < self._until):
            return
        # A reply subject for each request, so that the end of an old one is not taken for that of this one.
        self._number += 1
        self._left = self._batch
        # Where request or answer got lost with a connection, the clock ends it.
        self._until = now + PULL_SECONDS + 1
        body = json.dumps({"batch": self._batch, "expires": PULL_SECONDS * NANOS}).encode()
        try:
            self._connection.publish(self._next, body, reply=f"{self._inbox}.{self._number}")
        except Disconnected:
            self._left, self._not_before = 0, now + TROUBLE_SECONDS

    def take(self, message: Message) -> Delivery | None:
        """A delivery out of the queue; None where the message only says how a request ended."""
        if message.status == 0:
            self._left -= 1
            return Delivery.of(message)
        if message.subject == f"{self._inbox}.{self._number}" and message.status != HEARTBEAT:
            self._left = 0
            if message.status not in NOTHING_THERE:
                self._not_before = time.monotonic() + TROUBLE_SECONDS
        return None

    def owns(self, message: Message) -> bool:
        """Whether a message of the queue is for `take`. A delivery comes under the subject it was stored under."""
        return message.reply.startswith("$JS.ACK.") or message.subject.startswith(self._inbox)


def ack(connection: Connection, message: Message) -> bool:
    """Says that the effects are durable. True when the server has taken it; False when it comes again."""
    return _answer(connection, message, b"+ACK")


def terminate(connection: Connection, message: Message) -> bool:
    """Says that it was set aside, and must not come again. Servers before 2.10 understand it only without a reason."""
    return _answer(connection, message, b"+TERM")


def put_back(connection: Connection, message: Message, seconds: float) -> None:
    """Says: not now, again in `seconds`. Where that gets lost it comes again when its time is up."""
    try:
        connection.publish(message.reply, b"-NAK " + json.dumps({"delay": int(seconds * NANOS)}).encode())
    except Disconnected:
        pass


def still_working(connection: Connection, message: Message) -> None:
    """To be said more often than the consumer's `ack_wait`, or the message comes again."""
    try:
        connection.publish(message.reply, b"+WPI")
    except Disconnected:
        pass


def follow(connection: Connection, stream: str, subject: str, first: int = 1) -> Iterator[Delivery]:
    """Every message of a stream on `subject`, from the `first`th on, in order and once, for ever.

    Each reader has an ephemeral consumer of its own, which nobody else notices. It is made anew, from where the reader
    stands, after a gap or a pause in which nothing came, not even a heartbeat.
    """
    while True:
        inbox: queue.Queue[Message] = queue.Queue()
        reply = f"{connection.inbox}.follow.{uuid.uuid4().hex}"
        sid = connection.subscribe(reply, inbox.put)
        try:
            consumer = _make_reader(connection, stream, subject, first)
            for delivery in _read_on(connection, inbox, reply, f"{stream}.{consumer}"):
                first = delivery.sequence + 1
                yield delivery
        except (Disconnected, Timeout, NoResponders):
            time.sleep(0.2)
        finally:
            connection.unsubscribe(sid)


def _make_reader(connection: Connection, stream: str, subject: str, first: int) -> str:
    config = {
        **{"deliver_policy": "by_start_sequence", "opt_start_seq": first, "filter_subject": subject},
        **{"ack_policy": "none", "replay_policy": "instant", "max_deliver": 1, "mem_storage": True},
        # The server removes it when nobody has asked it for so long.
        **{"num_replicas": 1, "inactive_threshold": 60 * NANOS},
    }
    made = api(connection, f"CONSUMER.CREATE.{stream}", {"stream_name": stream, "config": config})
    return str(made["name"])


def _read_on(connection: Connection, inbox: queue.Queue[Message], reply: str, consumer: str) -> Iterator[Delivery]:
    """Ends when something is missing, or amiss."""
    expected = 1
    body = json.dumps({"batch": 100, "expires": PULL_SECONDS * NANOS}).encode()
    while True:
        connection.publish(f"{API}.CONSUMER.MSG.NEXT.{consumer}", body, reply=reply)
        for _ in range(100):
            try:
                message = inbox.get(timeout=PULL_SECONDS + 1)
            except queue.Empty:
                return
            if message.status in NOTHING_THERE:
                break
            if message.status != 0:
                return
            delivery = Delivery.of(message)
            if delivery.consumer_sequence != expected:
                return
            expected += 1
            yield delivery


def _answer(connection: Connection, message: Message, word: bytes) -> bool:
    try:
        connection.request(message.reply, word)
        return True
    except (Disconnected, Timeout, NoResponders):
        return False


def _checked(subject: str, answer: Message) -> dict[str, object]:
    body = json.loads(answer.data)
    if not isinstance(body, dict):
        raise NatsError(f"{subject}: {answer.data[:80]!r} is no answer of JetStream")
    error = body.get("error")
    if isinstance(error, dict):
        raise ApiError(subject, int(error.get("err_code", 0)), str(error.get("description", "")))
    return body
