//! Writes a corpus of transcripts for measuring: `corpus DIR BYTES FILES [SEED]`; prints the truth as JSON.

#[path = "../tests/support/corpus.rs"]
#[allow(dead_code, missing_docs)] // shared with the tests, which use more of it
mod corpus;

use std::collections::BTreeMap;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, bytes, files, ..] = arguments.as_slice() else {
        return Err("usage: corpus DIR BYTES FILES [SEED]".into());
    };
    let seed = arguments.get(3).map_or(Ok(1), |seed| seed.parse())?;
    let plan = corpus::Plan { bytes: bytes.parse()?, files: files.parse()?, days: 60, seed };
    let truth = corpus::write(dir.as_ref(), plan);
    let by_model = truth.by_day_and_model().into_iter().fold(
        BTreeMap::<String, corpus::Counts>::new(),
        |mut sums, ((_, model), counts)| {
            sums.entry(model).or_default().add(&counts);
            sums
        },
    );
    let summary = serde_json::json!({
        "bytes": truth.bytes, "files": truth.files, "total": truth.total(), "models": by_model,
    });
    println!("{summary:#}");
    Ok(())
}
