# GoPay pulls its first instructions. Nothing is generated: the server describes its own messages.
import sys
import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

channel = grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051")
pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
service = pool.FindServiceByName("prakerja.ledger.v1.PayoutService")
method = service.FindMethodByName("StreamInstructions")
Ask = message_factory.GetMessageClass(method.input_type)
Answer = message_factory.GetMessageClass(method.output_type)

call = channel.unary_stream(f"/{service.full_name}/{method.name}", Ask.SerializeToString, Answer.FromString)
ask = Ask(partner=4)  # PARTNER_GOPAY
for answer in call(ask, metadata=[("x-ledger-actor", "partner/gopay")]):
    for instruction in answer.instructions:
        print(json_format.MessageToJson(instruction, indent=None))
    print("resume with from_instruction", answer.next_instruction, file=sys.stderr)
