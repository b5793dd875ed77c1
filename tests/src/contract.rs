//! The contract as its descriptors tell it: services, methods, comments, and the errors that each method documents.

use std::sync::LazyLock;

use ledger_server::access::Role;
use ledger_server::access::table::entry;
use prost_reflect::{DescriptorPool, FileDescriptor, MethodDescriptor, ServiceDescriptor};

/// The contract's package.
pub const PACKAGE: &str = "prakerja.ledger.v1";

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(ledger_proto::FILE_DESCRIPTOR_SET).expect("a descriptor set"));

/// Every descriptor, those of imported files among them.
#[must_use]
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// The contract's own files, by name.
#[must_use]
pub fn files() -> Vec<FileDescriptor> {
    let mut files: Vec<_> = pool().files().filter(|file| file.package_name() == PACKAGE).collect();
    files.sort_by(|a, b| a.name().cmp(b.name()));
    files
}

/// The comment before the thing at `path` of a file; empty where there is none.
#[must_use]
pub fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.iter().flat_map(|info| &info.location);
    let here = source.into_iter().find(|location| location.path == path);
    let lines = here.map(|location| location.leading_comments()).unwrap_or_default().trim().lines();
    lines.map(str::trim).collect::<Vec<_>>().join("\n")
}

/// A method with what its comment says.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its descriptor.
    pub descriptor: MethodDescriptor,
    /// `Service.Method`.
    pub name: String,
    /// What it does, without the lines of its errors.
    pub text: String,
    /// Reasons with which the call itself is refused.
    pub errors: Vec<String>,
    /// Reasons with which an item of its batch is refused.
    pub item_errors: Vec<String>,
}

impl Method {
    fn new(service: &ServiceDescriptor, descriptor: MethodDescriptor) -> Self {
        let comment = comment(&service.parent_file(), descriptor.path());
        let name = format!("{}.{}", service.name(), descriptor.name());
        let (text, list) = comment.split_once("Errors: ").unwrap_or_else(|| panic!("{name} has no line `Errors: `"));
        let (errors, item_errors) = list.split_once("Item errors: ").unwrap_or((list, "none."));
        let reasons = |list: &str| -> Vec<String> {
            let list = list.trim().strip_suffix('.').unwrap_or_else(|| panic!("{name}: no full stop after {list}"));
            let reasons = list.split(',').map(|reason| reason.trim().to_owned());
            reasons.filter(|reason| reason != "none").collect()
        };
        let (errors, item_errors) = (reasons(errors), reasons(item_errors));
        Self { descriptor, text: text.trim().to_owned(), errors, item_errors, name }
    }

    /// An actor who may make the call.
    ///
    /// # Panics
    ///
    /// The table does not have it.
    #[must_use]
    pub fn caller(&self) -> String {
        let entry = entry(&self.path()).unwrap_or_else(|| panic!("{} is not in the table", self.name));
        let role = Role::ALL.into_iter().find(|role| entry.scope(*role).is_some()).expect("a role");
        let name = match role {
            Role::Platform => "tokopedia",
            Role::Partner => "gopay",
            _ => "test",
        };
        format!("{}/{name}", role.name())
    }

    /// The path of the call: `/package.Service/Method`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/{}/{}", self.descriptor.parent_service().full_name(), self.descriptor.name())
    }
}

/// The methods of a service, in the order of its file.
///
/// # Panics
///
/// A method's comment has no line `Errors: `.
#[must_use]
pub fn methods_of(service: &ServiceDescriptor) -> Vec<Method> {
    service.methods().map(|method| Method::new(service, method)).collect()
}

/// Every method of the contract.
///
/// # Panics
///
/// A method's comment has no line `Errors: `.
#[must_use]
pub fn methods() -> Vec<Method> {
    files()
        .iter()
        .flat_map(|file| file.services().flat_map(|service| methods_of(&service)).collect::<Vec<_>>())
        .collect()
}
