//! Claude Code's own lines about a call that failed, as far as they say that no credit is left.
//!
//! Such a line is an assistant's of the model `<synthetic>`, with `isApiErrorMessage` and, in newer versions, an `error`
//! word ([`BILLING`]); older ones have the sentence alone. The word is the one of the `error` field's documented values
//! (Claude Code's Agent SDK, `SDKAssistantMessageError`). Of the sentence nothing is kept.

use std::borrow::Cow;

use serde::Deserialize;
use sonic_rs::LazyValue;

use crate::integration::credit::says_so;

/// The error's word, as it stands in JSON.
const BILLING: &str = "\"billing_error\"";

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    content: Vec<Block<'a>>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

/// Whether a synthetic message says that no credit is left: by its error's word, or by its sentence.
pub(super) fn is_no_credit(error: Option<&LazyValue<'_>>, message: &str) -> bool {
    if error.is_some_and(|error| error.as_raw_str().trim() == BILLING) {
        return true;
    }
    let told = sonic_rs::from_str::<Told<'_>>(message);
    told.is_ok_and(|told| told.content.iter().filter_map(|block| block.text.as_deref()).any(says_so))
}
