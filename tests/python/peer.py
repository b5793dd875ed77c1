"""What the peers' scripts share: who calls, made-up ids, and why something was refused."""

import hashlib
import uuid
from datetime import datetime, timezone

from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

OFFICER = [("x-ledger-actor", "officer/budi")]
APPROVER = [("x-ledger-actor", "approver/siti")]
SELECTION = [("x-ledger-actor", "selection/peer")]
ACCOUNT = [("x-ledger-actor", "account/peer")]
TOKOPEDIA = [("x-ledger-actor", "platform/tokopedia")]
PROVIDER = [("x-ledger-actor", "provider/peer")]
GOPAY = [("x-ledger-actor", "partner/gopay")]
AUDITOR = [("x-ledger-actor", "auditor/bpk")]


def at(month, day):
    """09:00 WIB of a day of 2020."""
    moment = Timestamp()
    moment.FromDatetime(datetime(2020, month, day, 2, tzinfo=timezone.utc))
    return moment


def name(what):
    """The same UUID for the same words."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, what))


def digest(what):
    return hashlib.sha256(what.encode()).digest()


def reason(status):
    """The reason of a google.rpc.Status, and the fields that its BadRequest names."""
    found, fields = None, []
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            assert info.domain == "ledger.prakerja", info
            found = info.reason
        elif detail.Unpack(bad):
            fields = [violation.field for violation in bad.field_violations]
    return found, fields


def refusal(error):
    """The same of a call that failed: its code, reason and fields."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert status.code == error.code().value[0], (status, error)
            return (error.code().name, *reason(status))
    raise AssertionError(f"no details: {error}")
