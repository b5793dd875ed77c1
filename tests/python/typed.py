"""A peer with code that its own protobuf generated: one life, from selection to the trial balance.

typed.py ADDRESS PROTO_FOLDER
"""

import sys
import tempfile
from pathlib import Path

import grpc
import grpc_tools
from google.type import date_pb2
from grpc_tools import protoc

from peer import ACCOUNT, APPROVER, GOPAY, OFFICER, PROVIDER, SELECTION, TOKOPEDIA, at, digest, name, reason, refusal

address, proto = sys.argv[1], Path(sys.argv[2])
generated = tempfile.TemporaryDirectory()
files = sorted(str(path.relative_to(proto)) for path in proto.glob("prakerja/ledger/v1/*.proto"))
known = Path(grpc_tools.__file__).parent / "_proto"
arguments = ["protoc", f"-I{proto}", f"-I{known}", f"--python_out={generated.name}", f"--grpc_python_out={generated.name}"]
assert protoc.main(arguments + files) == 0
sys.path.insert(0, generated.name)

from prakerja.ledger.v1 import common_pb2 as common  # noqa: E402
from prakerja.ledger.v1 import disbursement_service_pb2 as runs  # noqa: E402
from prakerja.ledger.v1 import disbursement_service_pb2_grpc as runs_grpc  # noqa: E402
from prakerja.ledger.v1 import event_pb2 as event  # noqa: E402
from prakerja.ledger.v1 import event_service_pb2 as events  # noqa: E402
from prakerja.ledger.v1 import event_service_pb2_grpc as events_grpc  # noqa: E402
from prakerja.ledger.v1 import participant_service_pb2 as people  # noqa: E402
from prakerja.ledger.v1 import participant_service_pb2_grpc as people_grpc  # noqa: E402
from prakerja.ledger.v1 import payout_service_pb2 as payout  # noqa: E402
from prakerja.ledger.v1 import payout_service_pb2_grpc as payout_grpc  # noqa: E402
from prakerja.ledger.v1 import programme_service_pb2 as programme  # noqa: E402
from prakerja.ledger.v1 import programme_service_pb2_grpc as programme_grpc  # noqa: E402

channel = grpc.insecure_channel(address)
person, link, purchase, run = name("person"), name("link"), name("purchase"), name("run")

# The programme: a scheme, a wave, funds.
office = programme_grpc.ProgrammeServiceStub(channel)
scheme = common.Scheme(
    scheme_id="semi-bansos", training_aid_rupiah=1_000_000, training_incentives_rupiah=[600_000] * 4,
    survey_incentives_rupiah=[50_000] * 3, first_purchase_days=30,
    balance_last_day=common.MonthDay(month=12, day=15), complete_by=common.MonthDay(month=12, day=31),
    first_incentive_due_days=5, survey_opening_days=[30, 60, 90], survey_due_days=14, instruction_expiry_days=7,
    max_participants_per_family_card=2)  # fmt: skip
enact = programme.EnactSchemeRequest(occurred_at=at(4, 1), approved_by="officer/budi", scheme=scheme)
try:
    office.EnactScheme(enact, metadata=OFFICER)
    raise AssertionError("one person is not two")
except grpc.RpcError as error:
    assert refusal(error) == ("PERMISSION_DENIED", "SAME_PERSON", []), refusal(error)
enact.approved_by = "approver/siti"
assert office.EnactScheme(enact, metadata=OFFICER).receipt.position == 0
office.OpenWave(
    programme.OpenWaveRequest(occurred_at=at(4, 2), wave=1, scheme_id="semi-bansos", year=2020, quota=10), metadata=OFFICER)
office.AppropriateFunds(
    programme.AppropriateFundsRequest(
        occurred_at=at(4, 2), approved_by="approver/siti", document_number="DIPA-1", fiscal_year=2020,
        amount_rupiah=1_000_000_000), metadata=OFFICER)  # fmt: skip

# A life up to the first incentive; and a retry of all of it.
life = [
    event.EventInput(occurred_at=at(4, 10), selected=event.Selected(
        wave=1, identity_digest=digest("nik"), identity_key_id="key-1", family_card_digest=digest("kk"), region="12.75")),
    event.EventInput(occurred_at=at(4, 12), payout_account_linked=event.PayoutAccountLinked(
        link_id=link, partner=common.PARTNER_GOPAY, account_token="token", holder_identity_digest=digest("nik"))),
    event.EventInput(occurred_at=at(4, 20), training_bought=event.TrainingBought(
        purchase_id=purchase, course="Dasar-Dasar Akuntansi", platform=common.PLATFORM_TOKOPEDIA, provider="Lembaga",
        price_rupiah=400_000)),
    event.EventInput(occurred_at=at(5, 1), training_completed=event.TrainingCompleted(purchase_id=purchase)),
    event.EventInput(occurred_at=at(5, 1), certificate_issued=event.CertificateIssued(
        purchase_id=purchase, certificate_number="C-1")),
    event.EventInput(occurred_at=at(5, 1), training_reviewed=event.TrainingReviewed(purchase_id=purchase, rating=5)),
]  # fmt: skip
for fact in life:
    fact.participant_id = person
recorder = events_grpc.EventServiceStub(channel)
SENDERS = {"selected": SELECTION, "payout_account_linked": ACCOUNT, "certificate_issued": PROVIDER}


def send(facts):
    """Each fact by the role whose it is to send."""
    results = []
    for fact in facts:
        sender = SENDERS.get(fact.WhichOneof("event"), TOKOPEDIA)
        results += recorder.RecordEvents(events.RecordEventsRequest(events=[fact]), metadata=sender).results
    return results


first = send(life)
assert [result.receipt.position for result in first] == [3, 4, 5, 6, 7, 8], first
assert not any(result.receipt.repeated for result in first)
again = send(life)
assert all(result.receipt.repeated for result in again), again
assert [(r.receipt.position, r.receipt.leaf_hash) for r in again] == [(r.receipt.position, r.receipt.leaf_hash) for r in first]

# One bad event does not stop the others, and says why.
dear = event.EventInput(participant_id=person, occurred_at=at(5, 2), training_bought=event.TrainingBought(
    purchase_id=name("dear"), course="c", platform=common.PLATFORM_TOKOPEDIA, provider="p", price_rupiah=900_000))  # fmt: skip
nobody = event.EventInput(participant_id="x", occurred_at=at(5, 2), training_bought=dear.training_bought)
batch = events.RecordEventsRequest(events=[dear, nobody, life[0], life[2]])
mixed = recorder.RecordEvents(batch, metadata=TOKOPEDIA).results
assert reason(mixed[0].rejection) == ("PRICE_OUT_OF_RANGE", []), mixed[0]
assert reason(mixed[1].rejection) == ("INVALID_FIELD", ["participant_id"]), mixed[1]
assert reason(mixed[2].rejection) == ("ITEM_NOT_ALLOWED", []), mixed[2]
assert mixed[3].receipt.repeated
try:
    recorder.RecordEvents(events.RecordEventsRequest(), metadata=SELECTION)
    raise AssertionError("an empty batch")
except grpc.RpcError as error:
    assert refusal(error) == ("INVALID_ARGUMENT", "INVALID_FIELD", ["events"]), refusal(error)

# A run: planned by one, approved by another.
desk = runs_grpc.DisbursementServiceStub(channel)
due = date_pb2.Date(year=2020, month=5, day=10)
plan = desk.PlanRun(runs.PlanRunRequest(occurred_at=at(5, 10), run_id=run, as_of=due), metadata=OFFICER).plan
assert [(total.partner, total.count, total.total_rupiah) for total in plan.totals] == [(common.PARTNER_GOPAY, 1, 600_000)]
approve = runs.ApproveRunRequest(occurred_at=at(5, 10), run_id=run, items_sha256=plan.items_sha256)
closed = desk.ApproveRun(approve, metadata=APPROVER)
assert (closed.instructed_count, closed.held_count) == (1, 0), closed

# The partner pulls and reports; a repeat is harmless.
pay = payout_grpc.PayoutServiceStub(channel)
ask = payout.StreamInstructionsRequest(partner=common.PARTNER_GOPAY)
pulled = [one for page in pay.StreamInstructions(ask, metadata=GOPAY) for one in page.instructions]
assert [(one.participant_id, one.amount_rupiah, one.account_token) for one in pulled] == [(person, 600_000, "token")]
outcome = payout.OutcomeInput(
    occurred_at=at(5, 12), partner=common.PARTNER_GOPAY, instruction=pulled[0].instruction,
    kind=common.OUTCOME_KIND_SETTLED, amount_rupiah=600_000, transaction_reference="gp-1")  # fmt: skip
for repeated in (False, True):
    results = pay.ReportOutcomes(payout.ReportOutcomesRequest(outcomes=[outcome]), metadata=GOPAY).results
    assert [result.receipt.repeated for result in results] == [repeated], results

# What the ledger says of it.
asked = people.GetParticipantRequest(participant_id=person, include_history=True)
told = people_grpc.ParticipantServiceStub(channel).GetParticipant(asked, metadata=OFFICER).participant
assert told.accounts["received"] == 600_000 and told.accounts["training-balance"] == 600_000, told.accounts
assert told.entitlements[0].status == common.ENTITLEMENT_STATUS_SETTLED
assert list(told.history)[:6] == [3, 4, 5, 6, 7, 8], told.history
books = office.GetTrialBalance(programme.GetTrialBalanceRequest(), metadata=OFFICER)
assert books.sum_rupiah == 0 and sum(account.amount_rupiah for account in books.accounts) == 0, books
try:
    office.GetTrialBalance(programme.GetTrialBalanceRequest(as_of=due), metadata=OFFICER)
    raise AssertionError("the server keeps the head only")
except grpc.RpcError as error:
    assert refusal(error) == ("FAILED_PRECONDITION", "USE_REPLAY_TOOL", []), refusal(error)
print(person)
