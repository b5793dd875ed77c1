//! stub
use crate::Common;
use crate::measure::{Failed, Report};
pub(crate) fn unary(_: &Common, _: &mut Report) -> Result<(), Failed> { Err("not yet".into()) }
pub(crate) fn ingest(_: &Common, _: &mut Report) -> Result<(), Failed> { Err("not yet".into()) }
