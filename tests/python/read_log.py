"""read_log.py ADDRESS: a reader of format 1, written from docs/format.md. Asks a server for its records as stored, and
prints the root and everybody's accounts as JSON. Decodes protobuf by hand, hashes and keeps books by itself."""

import json
import sys
import uuid
from collections import Counter, defaultdict
from hashlib import sha256
from itertools import islice

import grpc  # the framing of HTTP/2; messages go through it as bytes

PLATFORMS = "tokopedia bukalapak skill-academy kemnaker pintaria pijar sekolah-mu mau-belajar-apa".split()
PARTNERS = "bank linkaja ovo gopay dana".split()
MOVE_NOTHING = {21, 22, 27, 28, 29, 33, 37, 38, 39, 40, 41, 42, 43, 63, 65, 66, 67, 68}


def varints(stream):
    value = shift = 0
    for byte in stream:
        value, shift = value | (byte & 127) << shift, shift + 7
        if byte < 128:
            yield value
            value = shift = 0


def message(data):
    """Field number to list of values: numbers, or bytes."""
    fields, stream = defaultdict(list), iter(data)
    numbers = varints(stream)
    for key in numbers:
        length = None if key & 7 == 0 else 8 if key & 7 == 1 else next(numbers)
        fields[key >> 3].append(next(numbers) if length is None else bytes(islice(stream, length)))
    return fields


def records(address):
    stream = grpc.insecure_channel(address).unary_stream("/prakerja.ledger.v1.AuditService/StreamRecords")
    for page in stream(b"", metadata=[("x-ledger-actor", "auditor/reader")]):
        yield from message(page)[2]


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


class Person:
    def __init__(self, wave):
        self.wave, self.live, self.purchases = wave, True, {}
        self.money = defaultdict(Counter)  # what for -> account -> rupiah

    def move(self, what, amount, source, target):
        self.money[what][source] -= amount
        self.money[what][target] += amount

    def move_all(self, source, target):
        for what, accounts in self.money.items():
            self.move(what, accounts[source], source, target)

    def accounts(self):
        total = Counter()
        for accounts in self.money.values():
            total.update(accounts)
        return {account: amount for account, amount in total.items() if amount}


schemes, waves, closed_waves, closed_years, people, orders = {}, {}, set(), set(), {}, {}


def programme(kind, first, event):
    if kind == 60:
        schemes[first] = (event[2][0], *(list(varints(b"".join(event[incentives]))) for incentives in (3, 4)))
    elif kind == 61:
        waves[first] = (event[2][0], event[3][0])
    elif kind == 62:
        closed_waves.add(first)
        for person in (person for person in people.values() if person.wave == first):
            person.move_all("incentives-committed", "treasury-returned")
    elif kind == 64:
        closed_years.add(first)
        for person in (person for person in people.values() if waves[person.wave][1] == first):
            person.move_all("training-balance", "lapsed")


def life(kind, first, event, position, person):
    wave_open, year_open = person.wave not in closed_waves, waves[person.wave][1] not in closed_years
    home = "incentives-committed" if person.live and wave_open else "treasury-returned"
    if kind == 20:
        aid, *incentives = schemes[waves[first][0]]
        person.move("training", aid, "budget", "training-balance")
        for entitlement, amounts in enumerate(incentives, 1):
            for number, amount in enumerate(amounts, 1):
                person.move((entitlement, number), amount, "budget", "incentives-committed")
    elif kind in (23, 24, 25, 26):
        if kind == 23:
            person.purchases[first] = (PLATFORMS[event[3][0] - 1], event[5][0])
        platform, price = person.purchases[first]
        earned, unearned = f"platform-earned:{platform}", f"platform-unearned:{platform}"
        refund = ("training-balance" if person.live else "forfeited") if year_open else "lapsed"
        sources, targets = ("training-balance", unearned, unearned, earned), (unearned, refund, earned, unearned)
        person.move("training", price, sources[kind - 23], targets[kind - 23])
    elif kind == 30:
        person.live = False
        person.move_all("training-balance", "forfeited")
        person.move_all("incentives-committed", "treasury-returned")
    elif kind == 31:
        person.live = True
        if year_open:
            person.move_all("forfeited", "training-balance")
        if wave_open:
            person.move_all("treasury-returned", "incentives-committed")
    elif kind == 32:
        orders[position] = [(first, event[2][0]), event[5][0], f"in-transit:{PARTNERS[event[6][0] - 1]}"]
        person.move(orders[position][0], orders[position][1], home, orders[position][2])
    elif kind in (34, 35, 36):
        what, amount, transit = orders[first]
        held, orders[first][2] = person.money[what], None
        if kind == 34:
            at_home = [account for account in ("incentives-committed", "treasury-returned") if held[account]]
            person.move(what, amount, transit or (at_home + ["overpaid"])[0], "received")
        else:
            target = "overpaid" if held["overpaid"] < 0 else home
            person.move(what, amount, transit if kind == 35 else "received", target)
    elif kind == 44:
        person.move("repayments", event[3][0], "repaid", "repayments")
    elif kind not in MOVE_NOTHING:
        raise ValueError(f"format 1 has no event {kind}")


leaves, kinds = [], Counter()
for record in records(sys.argv[1]):
    fields, position = message(record), len(leaves)
    assert fields[1] == ([position] if position else []), "positions are gapless"
    kind = next(number for number in sorted(fields) if number >= 20)
    event, owner = message(fields[kind][0]), b"".join(fields[3])
    first = (event[1] or [0])[0]
    if kind == 20:
        people[owner] = Person(first)
    if kind >= 60:
        programme(kind, first, event)
    elif owner:  # an outcome of an instruction that nobody knows is nobody's
        life(kind, first, event, position, people[owner])
    leaves.append(sha256(b"\0" + record).digest())
    kinds[kind] += 1
everybody = {str(uuid.UUID(bytes=owner)): person.accounts() for owner, person in people.items()}
print(json.dumps({"size": len(leaves), "root": root(leaves).hex(), "kinds": kinds, "participants": everybody}))
