"""A peer that knows nothing but the address: the server describes itself, in both versions of reflection.

reflected.py ADDRESS PARTICIPANT
"""

import sys
import types

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from peer import AUDITOR, OFFICER, name, refusal

address, person = sys.argv[1:]
PACKAGE = "prakerja.ledger.v1"
SERVICES = {"Audit", "Disbursement", "Event", "Participant", "Payout", "Programme"}


def reflection(version):
    """The reflection service's own messages; v1 differs from v1alpha by its package only."""
    from grpc_reflection.v1alpha import reflection_pb2

    if version == "v1alpha":
        return reflection_pb2
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    renamed = descriptor_pb2.FileDescriptorProto.FromString(file.SerializeToString())
    renamed.name, renamed.package = "grpc/reflection/v1/reflection.proto", "grpc.reflection.v1"
    for message in renamed.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(".v1alpha.", ".v1.")
    for method in renamed.service[0].method:
        method.input_type = method.input_type.replace(".v1alpha.", ".v1.")
        method.output_type = method.output_type.replace(".v1alpha.", ".v1.")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(renamed)
    messages = {m.name: pool.FindMessageTypeByName(f"grpc.reflection.v1.{m.name}") for m in renamed.message_type}
    return types.SimpleNamespace(**{key: message_factory.GetMessageClass(value) for key, value in messages.items()})


def described(channel, version):
    """Names of the services, and a pool with everything that they use."""
    messages = reflection(version)
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        messages.ServerReflectionRequest.SerializeToString,
        messages.ServerReflectionResponse.FromString,
    )

    def ask(**request):
        (answer,) = call(iter([messages.ServerReflectionRequest(**request)]))
        assert not answer.HasField("error_response"), answer
        return answer

    services = [service.name for service in ask(list_services="").list_services_response.service]
    files = {}
    wanted = [{"file_containing_symbol": service} for service in services]
    while wanted:
        for encoded in ask(**wanted.pop()).file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(encoded)
            if file.name not in files:
                files[file.name] = file
                wanted += [{"file_by_filename": needed} for needed in file.dependency]
    pool, added = descriptor_pool.DescriptorPool(), set()

    def add(file):
        if file.name not in added:
            added.add(file.name)
            for needed in file.dependency:
                add(files[needed])
            pool.Add(file)

    for file in files.values():
        add(file)
    return services, pool


def caller(channel, pool):
    def call(service, method, actor, **fields):
        described = pool.FindServiceByName(f"{PACKAGE}.{service}").FindMethodByName(method)
        request = message_factory.GetMessageClass(described.input_type)
        answer = message_factory.GetMessageClass(described.output_type)
        send = channel.unary_unary(
            f"/{PACKAGE}.{service}/{method}", request.SerializeToString, answer.FromString)  # fmt: skip
        return send(json_format.ParseDict(fields, request()), metadata=actor)

    return call


with grpc.insecure_channel(address) as channel:
    for version in ("v1", "v1alpha"):
        services, pool = described(channel, version)
        missing = {f"{PACKAGE}.{service}Service" for service in SERVICES} - set(services)
        assert not missing, f"{version}: {missing} not listed"
        assert "grpc.health.v1.Health" in services, services
        call = caller(channel, pool)
        before = call("AuditService", "GetHead", AUDITOR)
        assert before.size > 0 and len(before.root_hash) == 32, before

        told = call("ParticipantService", "GetParticipant", OFFICER, participantId=person).participant
        assert told.participant_id == person and told.accounts["received"] == 600_000, told
        try:
            call("ParticipantService", "GetParticipant", OFFICER, participantId=name("nobody"))
            raise AssertionError("nobody is known")
        except grpc.RpcError as error:
            assert refusal(error) == ("NOT_FOUND", "PARTICIPANT_UNKNOWN", []), refusal(error)

        found = {"source": f"payroll {version}", "caseNumber": "1",
                 "evidenceDate": {"year": 2020, "month": 7, "day": 1},
                 "effectiveDate": {"year": 2020, "month": 4, "day": 1}}  # fmt: skip
        fact = {"participantId": person, "occurredAt": "2020-08-01T02:00:00Z", "ineligibilityFound": found}
        for repeated in (False, True):
            (result,) = call("EventService", "RecordEvents", AUDITOR, events=[fact]).results
            assert (result.receipt.position, result.receipt.repeated) == (before.size, repeated), result
        after = call("AuditService", "GetHead", AUDITOR)
        assert after.size == before.size + 1 and after.root_hash != before.root_hash
