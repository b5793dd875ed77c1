//! `docs/api.md`: services, methods, messages and enums, from the comments in `proto/`.

use std::fmt::Write as _;

use prost_reflect::{EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, ServiceDescriptor};

use super::{REFRESH, cell, roles};
use crate::contract::{self, Method, PACKAGE, comment};

/// Files without services, in reading order; those with services come before them, by name.
const SHARED: &[(&str, &str)] = &[
    ("event.proto", "Events"),
    ("history.proto", "History"),
    ("common.proto", "Shared messages and enums"),
    ("load.proto", "Lines of `ledger-server load`"),
    ("record.proto", "Records as stored"),
];

pub(super) fn text() -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "# API\n\nPackage `{PACKAGE}`. Generated from the comments in `proto/`; refresh it with `{REFRESH}`.\n\n\
         Every call may also be refused as [errors.md](errors.md) says of every call. Types of `google.type`, `google.rpc` and\n\
         `google.protobuf` are Google's, unchanged; `int64` and `uint64` are strings in protobuf JSON.\n\n"
    );
    let files = contract::files();
    let _ = writeln!(out, "- [Who may call what](#who-may-call-what)");
    let name = |file: &FileDescriptor| file.name().rsplit('/').next().unwrap_or_default().to_owned();
    let (serving, shared): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.services().len() > 0);
    for service in serving.iter().flat_map(FileDescriptor::services) {
        let _ = writeln!(out, "- [{0}](#{1})", service.name(), anchor(service.name()));
        for method in contract::methods_of(&service) {
            let _ = writeln!(out, "  - [{}](#{})", method.descriptor.name(), anchor(&method.name));
        }
    }
    for (_, title) in SHARED {
        let _ = writeln!(out, "- [{title}](#{})", anchor(title));
    }
    out.push_str(&roles::text());
    for file in &serving {
        for service in file.services() {
            self::service(&mut out, &service);
        }
        messages(&mut out, file);
    }
    let unplaced: Vec<_> =
        shared.iter().map(&name).filter(|name| SHARED.iter().all(|(file, _)| file != name)).collect();
    assert!(unplaced.is_empty(), "no place in docs/api.md for {unplaced:?}");
    for (wanted, title) in SHARED {
        let _ = writeln!(out, "\n## {title}");
        for file in shared.iter().filter(|file| name(file) == *wanted) {
            messages(&mut out, file);
        }
    }
    out
}

/// The anchor that Markdown readers give a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn service(out: &mut String, service: &ServiceDescriptor) {
    let _ = writeln!(out, "\n## {}\n\n{}", service.name(), comment(&service.parent_file(), service.path()));
    for method in contract::methods_of(service) {
        self::method(out, &method);
    }
}

fn method(out: &mut String, method: &Method) {
    let descriptor = &method.descriptor;
    let side = |streams: bool, message: MessageDescriptor| {
        let stream = if streams { "stream of " } else { "" };
        format!("{stream}[{0}](#{1})", message.name(), anchor(message.name()))
    };
    let _ = writeln!(
        out,
        "\n### {}\n\n{} → {}\n\n{}",
        method.name,
        side(descriptor.is_client_streaming(), descriptor.input()),
        side(descriptor.is_server_streaming(), descriptor.output()),
        method.text
    );
    let _ = writeln!(out, "\n{}", roles::of(method));
    let mut list = |title: &str, reasons: &[String]| {
        let links: Vec<_> =
            reasons.iter().map(|reason| format!("[`{reason}`](errors.md#{})", anchor(reason))).collect();
        let links = if links.is_empty() { "none of its own".to_owned() } else { links.join(", ") };
        let _ = writeln!(out, "\n{title}: {links}.");
    };
    list("Errors", &method.errors);
    if !method.item_errors.is_empty() {
        list("Errors of an item", &method.item_errors);
    }
}

fn messages(out: &mut String, file: &FileDescriptor) {
    for message in file.messages() {
        self::message(out, file, &message);
    }
    for values in file.enums() {
        self::values(out, file, &values);
    }
}

fn message(out: &mut String, file: &FileDescriptor, message: &MessageDescriptor) {
    let _ = writeln!(out, "\n### {}\n\n{}", message.name(), comment(file, message.path()));
    if message.fields().len() > 0 {
        let _ = writeln!(out, "\n| field | type | meaning |\n|---|---|---|");
    }
    let mut fields: Vec<_> = message.fields().collect();
    // As written, not by number: a oneof's fields stand together.
    fields.sort_by(|a, b| a.path().cmp(b.path()));
    for field in fields {
        let choice = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        let choice = choice.map(|oneof| format!(" (one of `{}`)", oneof.name())).unwrap_or_default();
        let meaning = cell(&comment(file, field.path()));
        let _ = writeln!(out, "| `{}` = {} | {}{choice} | {meaning} |", field.name(), field.number(), type_of(&field));
    }
    for nested in message.child_messages().filter(|nested| !nested.is_map_entry()) {
        self::message(out, file, &nested);
    }
    for nested in message.child_enums() {
        values(out, file, &nested);
    }
}

fn type_of(field: &FieldDescriptor) -> String {
    let kind = field.kind();
    if let (true, Kind::Message(entry)) = (field.is_map(), &kind) {
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        return format!("map of {} to {}", type_of(&key), type_of(&value));
    }
    let name = match &kind {
        Kind::Message(message) => named(message.package_name(), message.name(), message.full_name()),
        Kind::Enum(values) => named(values.package_name(), values.name(), values.full_name()),
        other => format!("{other:?}").to_lowercase(),
    };
    if field.is_list() { format!("repeated {name}") } else { name }
}

fn named(package: &str, name: &str, full_name: &str) -> String {
    if package == PACKAGE { format!("[{name}](#{})", anchor(name)) } else { format!("`{full_name}`") }
}

fn values(out: &mut String, file: &FileDescriptor, values: &EnumDescriptor) {
    let _ =
        writeln!(out, "\n### {}\n\n{}\n\n| value | meaning |\n|---|---|", values.name(), comment(file, values.path()));
    for value in values.values() {
        let _ = writeln!(out, "| `{}` = {} | {} |", value.name(), value.number(), cell(&comment(file, value.path())));
    }
}
