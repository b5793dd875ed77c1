//! A client without generated code: messages are made from the descriptors, or are raw bytes.

use bytes::{Buf, BufMut, Bytes};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::contract::Method;
use crate::server::from;

/// Messages as bytes, both ways.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Sends messages as bytes to a method of any kind; gives all that it answers.
///
/// # Errors
///
/// The status with which the call ends, if it is not OK.
///
/// # Panics
///
/// The server is gone.
pub async fn call_raw(
    channel: &Channel,
    path: &str,
    actor: Option<&str>,
    messages: Vec<Bytes>,
) -> Result<Vec<Bytes>, Status> {
    let (answers, end) = exchange_raw(channel, path, actor, messages).await;
    end.map(|()| answers)
}

/// Like [`call_raw`], with what was answered before the call was refused.
///
/// # Panics
///
/// The server is gone.
pub async fn exchange_raw(
    channel: &Channel,
    path: &str,
    actor: Option<&str>,
    messages: Vec<Bytes>,
) -> (Vec<Bytes>, Result<(), Status>) {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.expect("a connection");
    let messages = tokio_stream::iter(messages);
    let request = match actor {
        Some(actor) => from(actor, messages),
        None => tonic::Request::new(messages),
    };
    // On the wire a single message is a stream of one: this serves methods of every kind.
    let path = PathAndQuery::try_from(path).expect("a path");
    let mut all = Vec::new();
    let mut answers = match client.streaming(request, path, Raw).await {
        Ok(answers) => answers.into_inner(),
        Err(refused) => return (all, Err(refused)),
    };
    loop {
        match answers.message().await {
            Ok(Some(answer)) => all.push(answer),
            Ok(None) => return (all, Ok(())),
            Err(refused) => return (all, Err(refused)),
        }
    }
}

/// A message from its protobuf JSON.
///
/// # Panics
///
/// The JSON does not fit the message.
#[must_use]
pub fn message(descriptor: MessageDescriptor, json: &Value) -> DynamicMessage {
    let name = descriptor.full_name().to_owned();
    DynamicMessage::deserialize(descriptor, json).unwrap_or_else(|error| panic!("{name}: {error} in {json}"))
}

/// Calls a method with messages in protobuf JSON.
///
/// # Errors
///
/// The status with which the call ends, if it is not OK.
///
/// # Panics
///
/// The JSON does not fit the request, or the server is gone.
pub async fn call(
    channel: &Channel,
    method: &Method,
    actor: Option<&str>,
    messages: &[Value],
) -> Result<Vec<DynamicMessage>, Status> {
    let input = method.descriptor.input();
    let messages = messages.iter().map(|json| message(input.clone(), json).encode_to_vec().into()).collect();
    let answers = call_raw(channel, &method.path(), actor, messages).await?;
    let output = method.descriptor.output();
    Ok(answers.into_iter().map(|bytes| DynamicMessage::decode(output.clone(), bytes).expect("an answer")).collect())
}

/// The reason that a refusal names; a refusal without one is told with its code and text.
#[must_use]
pub fn reason(status: &Status) -> String {
    match status.get_details_error_info() {
        Some(info) => info.reason,
        None => format!("{:?} without ErrorInfo: {}", status.code(), status.message()),
    }
}

/// What became of each item of the batches in an answer: `OK`, or the reason of its refusal. A batch that was refused as a whole
/// counts as one item.
#[must_use]
pub fn items(answer: &DynamicMessage) -> Vec<String> {
    let status = |status: &DynamicMessage| {
        let code = status.get_field_by_name("code").and_then(|code| code.as_i32()).unwrap_or_default();
        let text = status.get_field_by_name("message").and_then(|text| text.as_str().map(str::to_owned));
        let details = status.encode_to_vec().into();
        reason(&Status::with_details(Code::from_i32(code), text.unwrap_or_default(), details))
    };
    let set = |message: &DynamicMessage, field: &str| {
        let value = message.has_field_by_name(field).then(|| message.get_field_by_name(field))??;
        value.as_message().cloned()
    };
    if let Some(refusal) = set(answer, "refusal") {
        return vec![status(&refusal)];
    }
    let Some(results) = answer.get_field_by_name("results") else { return Vec::new() };
    let results = results.as_list().unwrap_or_default().iter().filter_map(|result| result.as_message());
    results.map(|result| set(result, "rejection").map_or_else(|| "OK".to_owned(), |refused| status(&refused))).collect()
}
