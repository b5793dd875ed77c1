//! Documentation is generated from the comments: everything has one.

use std::collections::HashSet;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

// Field numbers of descriptor.proto, of which a source location's path is made.
const FILE_MESSAGE: i32 = 4;
const FILE_ENUM: i32 = 5;
const FILE_SERVICE: i32 = 6;
const MESSAGE_FIELD: i32 = 2;
const MESSAGE_NESTED: i32 = 3;
const MESSAGE_ENUM: i32 = 4;
const MESSAGE_ONEOF: i32 = 8;
const ENUM_VALUE: i32 = 2;
const SERVICE_METHOD: i32 = 2;

/// Everything in a file that wants a comment, with its source path.
#[derive(Default)]
struct Items(Vec<(Vec<i32>, String)>);

impl Items {
    fn of(file: &FileDescriptorProto) -> Vec<(Vec<i32>, String)> {
        let mut items = Self::default();
        for (index, message) in (0..).zip(&file.message_type) {
            items.message(message, &[FILE_MESSAGE, index], "");
        }
        for (index, values) in (0..).zip(&file.enum_type) {
            items.values(values, &[FILE_ENUM, index], "");
        }
        for (index, service) in (0..).zip(&file.service) {
            items.add(&[FILE_SERVICE, index], service.name());
            for (method_index, method) in (0..).zip(&service.method) {
                let name = format!("{}.{}", service.name(), method.name());
                items.add(&[FILE_SERVICE, index, SERVICE_METHOD, method_index], &name);
            }
        }
        items.0
    }

    fn add(&mut self, path: &[i32], name: &str) {
        self.0.push((path.to_vec(), name.to_owned()));
    }

    fn message(&mut self, message: &DescriptorProto, path: &[i32], parent: &str) {
        // Entries of maps are the compiler's.
        if message.options.as_ref().is_some_and(|options| options.map_entry()) {
            return;
        }
        let name = format!("{parent}{}", message.name());
        self.add(path, &name);
        let under = |kind, index| [path, &[kind, index]].concat();
        for (index, field) in (0..).zip(&message.field) {
            self.add(&under(MESSAGE_FIELD, index), &format!("{name}.{}", field.name()));
        }
        for (index, oneof) in (0..).zip(&message.oneof_decl) {
            // `optional` fields have a oneof of the compiler's.
            if !oneof.name().starts_with('_') {
                self.add(&under(MESSAGE_ONEOF, index), &format!("{name}.{}", oneof.name()));
            }
        }
        for (index, nested) in (0..).zip(&message.nested_type) {
            self.message(nested, &under(MESSAGE_NESTED, index), &format!("{name}."));
        }
        for (index, values) in (0..).zip(&message.enum_type) {
            self.values(values, &under(MESSAGE_ENUM, index), &format!("{name}."));
        }
    }

    fn values(&mut self, values: &EnumDescriptorProto, path: &[i32], parent: &str) {
        self.add(path, &format!("{parent}{}", values.name()));
        for (index, value) in (0..).zip(&values.value) {
            self.add(&[path, &[ENUM_VALUE, index]].concat(), &format!("{parent}{}", value.name()));
        }
    }
}

/// Names in the file that have no leading comment.
fn without_comment(file: &FileDescriptorProto) -> Vec<String> {
    let source = file.source_code_info.as_ref().expect("source info");
    let commented: HashSet<&[i32]> = source
        .location
        .iter()
        .filter(|location| !location.leading_comments().trim().is_empty())
        .map(|location| location.path.as_slice())
        .collect();
    Items::of(file).into_iter().filter(|(path, _)| !commented.contains(path.as_slice())).map(|(_, name)| name).collect()
}

#[test]
fn everything_has_a_comment() {
    let mut items = 0;
    for file in crate::contract() {
        assert_eq!(without_comment(&file), Vec::<String>::new(), "without a comment in {}", file.name());
        items += Items::of(&file).len();
    }
    assert!(items > 500, "only {items} items were looked at");
}

#[test]
fn each_missing_comment_is_seen() {
    for file in crate::contract() {
        for (path, name) in Items::of(&file) {
            let mut bare = file.clone();
            let locations = &mut bare.source_code_info.as_mut().expect("source info").location;
            let location = locations.iter_mut().find(|location| location.path == path).expect(&name);
            location.leading_comments = None;
            assert_eq!(without_comment(&bare), [name]);
        }
    }
}
