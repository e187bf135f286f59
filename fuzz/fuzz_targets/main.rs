//! All targets in one program: `MECRIS_FUZZ_TARGET` names the one to run. One program is linked only once, which would otherwise
//! take longer than a minute of fuzzing is worth.
//!
//! With `MECRIS_FUZZ_SEEDS` it writes the generator's inputs for the target into that directory, each of about
//! `MECRIS_FUZZ_SIZE` bytes, and ends.

#![no_main]

#[path = "../bodies.rs"]
mod bodies;
#[path = "../hostile.rs"]
#[allow(dead_code, unused_imports)]
mod hostility;
mod memory;

use std::sync::OnceLock;

use bodies::{TARGETS, Target};
use hostility::Random;

#[global_allocator]
static MEMORY: memory::Counted = memory::Counted;

static TARGET: OnceLock<&Target> = OnceLock::new();

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn target() -> &'static Target {
    TARGET.get_or_init(|| {
        let name = variable("MECRIS_FUZZ_TARGET").unwrap_or_default();
        TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            // The script reads this list.
            println!("{}", names.join("\n"));
            std::process::exit(2)
        })
    })
}

fn begin() {
    let target = target();
    let Some(directory) = variable("MECRIS_FUZZ_SEEDS") else { return };
    let size = variable("MECRIS_FUZZ_SIZE").and_then(|size| size.parse().ok()).unwrap_or(4_096);
    for (number, (_, bytes)) in hostility::inputs(target.form, size).into_iter().enumerate() {
        std::fs::write(format!("{directory}/made-{number:04}"), bytes).expect("a seed is written");
    }
    std::process::exit(0)
}

libfuzzer_sys::fuzz_target!(
    init: begin(),
    |data: &[u8]| {
        memory::begin();
        (target().body)(data);
        memory::end();
    }
);

// One in four mutants is a good input with a hostile value, which damage to single bytes never produces.
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random(u64::from(seed));
    if random.below(4) == 0 {
        let made = hostility::planted(target().form, &data[..size], &mut random);
        let length = made.len().min(max_size).min(data.len());
        data[..length].copy_from_slice(&made[..length]);
        length
    } else {
        libfuzzer_sys::fuzzer_mutate(data, size, max_size)
    }
});
