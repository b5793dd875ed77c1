"""A payment partner in one file: takes instructions, pays each once and reports it, whatever breaks in between.

client.py TARGET PARTNER BOOK [--once] [--tls DIR]    work; without --once wait for more instructions
client.py statement BOOK                              the book as CSV, for `ledger-server reconcile`

DIR has ca.pem (who signed the server's certificate), partner.pem and partner.key (yours). Needs grpcio and protobuf."""
import sqlite3
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2  # noqa: F401

KIT = Path(__file__).parent.parent
OPTIONS = [("grpc.service_config", (KIT / "service-config.json").read_text()), ("grpc.keepalive_time_ms", 30_000)]
SERVICE, ISO_20022, SETTLED, REJECTED, OPEN = "prakerja.ledger.v1.PayoutService", 1, 2, 3, (1, 2)
UNPAID = "SELECT instruction, token, amount FROM payment WHERE kind IS NULL"
UNREPORTED = "SELECT instruction, amount, kind, at FROM payment WHERE kind > 0 AND answer IS NULL LIMIT 1000"
PARTNERS = ["", "bank", "linkaja", "ovo", "gopay", "dana"]
POOL = descriptor_pool.Default()
for file in descriptor_pb2.FileDescriptorSet.FromString((KIT / "descriptors.binpb").read_bytes()).file:
    if not file.name.startswith("google/protobuf/"):  # those came with the imports
        POOL.AddSerializedFile(file.SerializeToString())


def method(channel, name):
    ends = POOL.FindMethodByName(f"{SERVICE}.{name}")
    ask, answer = message_factory.GetMessageClass(ends.input_type), message_factory.GetMessageClass(ends.output_type)
    make = channel.unary_stream if name.startswith("Stream") else channel.unary_unary
    return ask, make(f"/{SERVICE}/{name}", ask.SerializeToString, answer.FromString)


def open_book(path):
    """What was taken, paid and reported: on disk before anybody is told. The only memory there is."""
    book = sqlite3.connect(path, isolation_level=None)
    book.execute("CREATE TABLE IF NOT EXISTS payment (instruction PRIMARY KEY, token, amount, kind, at, answer)")
    return book


def work(channel, partner, book, follow):
    number, actor = PARTNERS.index(partner), [("x-ledger-actor", f"partner/{partner}")]  # TLS: the certificate says it
    (Ask, stream), (Get, get), (Report, report) = (
        method(channel, name) for name in ("StreamInstructions", "GetInstruction", "ReportOutcomes"))

    def pay():
        for instruction, _token, _amount in book.execute(UNPAID).fetchall():
            now = get(Get(instruction=instruction), metadata=actor).instruction
            kind = 0 if now.status not in OPEN else REJECTED if now.recalled else SETTLED  # 0: it ended without us
            # Your transfer goes here, if SETTLED, with the instruction as its idempotency key: after a crash it is asked again.
            book.execute("UPDATE payment SET kind = ?, at = ? WHERE instruction = ?", (kind, time.time_ns(), instruction))

    def tell():
        while rows := book.execute(UNREPORTED).fetchall():
            batch = Report()
            for instruction, amount, kind, at in rows:  # the same words at each try: a repeat is no second payment
                paid, why = {"transaction_reference": f"{partner}-{instruction}"}, {"raw_code": "CUST", "code_system": ISO_20022}
                batch.outcomes.add(partner=number, instruction=instruction, kind=kind, amount_rupiah=amount,
                                   **(paid if kind == SETTLED else why)).occurred_at.FromNanoseconds(at)
            for (instruction, *_), result in zip(rows, report(batch, metadata=actor).results, strict=True):
                answer = "refused: " + result.rejection.message if result.HasField("rejection") else "recorded"
                if answer != "recorded" or result.exception_cause:  # people look at these: ListExceptions
                    print(instruction, answer, result.exception_cause, file=sys.stderr)
                book.execute("UPDATE payment SET answer = ? WHERE instruction = ?", (answer, instruction))

    pay(), tell()  # what an earlier run left
    last = book.execute("SELECT coalesce(max(instruction), '') FROM payment").fetchone()[0]  # it comes again, and is known
    for message in stream(Ask(partner=number, from_instruction=last, follow=follow), metadata=actor):
        rows = [(i.instruction, i.account_token, i.amount_rupiah) for i in message.instructions]
        book.executemany("INSERT OR IGNORE INTO payment (instruction, token, amount) VALUES (?, ?, ?)", rows)
        pay(), tell()


def connect(target, args):
    if "--tls" not in args:
        return grpc.insecure_channel(target, OPTIONS)
    folder = Path(args[args.index("--tls") + 1])
    ca, key, cert = ((folder / name).read_bytes() for name in ("ca.pem", "partner.key", "partner.pem"))
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(ca, key, cert), OPTIONS)


if sys.argv[1] == "statement":
    print("instruction,amount,date")
    for instruction, amount, at in open_book(sys.argv[2]).execute("SELECT instruction, amount, at FROM payment WHERE kind = 2"):
        print(instruction, amount, datetime.fromtimestamp(at / 1e9, timezone(timedelta(hours=7))).date(), sep=",")
    sys.exit()
while True:
    try:
        with connect(sys.argv[1], sys.argv) as channel:
            sys.exit(work(channel, sys.argv[2], open_book(sys.argv[3]), follow="--once" not in sys.argv))
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        time.sleep(0.2)
