//! A provider's own books of the days, seeded: what it will say of each day in the end, and what it says of it before
//! late data has come in.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

/// What one kind of use of one model cost. `units` are 10⁻¹⁰ USD, which is as fine as these books are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostRow {
    pub model: &'static str,
    pub kind: &'static str,
    pub units: u64,
    /// Kept apart on the wire, as different workspaces are: the client adds them up.
    pub part: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    pub model: &'static str,
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

/// What is said of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub costs: Vec<CostRow>,
    pub usages: Vec<UsageRow>,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Of each day what is said on it, on the day after, and so on; the last holds.
    pub days: BTreeMap<Date, Vec<Said>>,
}

/// splitmix64: the same numbers on every machine.
pub struct Seeded(pub u64);

impl Seeded {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

const MODELS: [&str; 3] = ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5"];
const KINDS: [&str; 3] = ["output_tokens", "uncached_input_tokens", "cache_read_input_tokens"];

impl Books {
    /// Days from `first` on: some without anything, each corrected up to three days after it.
    pub fn seeded(seed: u64, first: Date, days: i64) -> Self {
        let mut random = Seeded(seed);
        let mut books = Self::default();
        for number in 0..days {
            let mut said = Said::default();
            let mut versions = Vec::new();
            let is_quiet = random.below(6) == 0;
            for _ in 0..=random.below(4) {
                if !is_quiet {
                    said.grow(&mut random);
                }
                versions.push(said.clone());
            }
            books.days.insert(first.saturating_add(number.days()), versions);
        }
        books
    }

    /// What is said of a day on another one; nothing of days to come.
    pub fn said(&self, day: Date, today: Date) -> Option<&Said> {
        let after = usize::try_from(day.until(today).ok()?.get_days()).ok()?;
        let versions = self.days.get(&day)?;
        versions.get(after.min(versions.len() - 1))
    }

    /// What holds in the end.
    pub fn truth(&self, day: Date) -> &Said {
        self.days[&day].last().unwrap()
    }
}

impl Said {
    fn grow(&mut self, random: &mut Seeded) {
        for model in MODELS {
            if random.below(3) == 0 {
                continue;
            }
            for kind in KINDS {
                let (units, part) = (random.below(90_000_000_000), random.below(2) as u8);
                // Late data adds, and now and then takes away.
                match self.costs.iter_mut().find(|row| (row.model, row.kind, row.part) == (model, kind, part))
                {
                    Some(row) if random.below(5) == 0 => row.units /= 2,
                    Some(row) => row.units += units,
                    None => self.costs.push(CostRow { model, kind, units, part }),
                }
            }
            let (input, output) = (random.below(900_000), random.below(90_000));
            let (cache_read, cache_write) = (random.below(9_000_000), random.below(90_000));
            match self.usages.iter_mut().find(|row| row.model == model) {
                Some(row) => {
                    row.input += input;
                    row.output += output;
                    row.cache_read += cache_read;
                    row.cache_write += cache_write;
                }
                None => self.usages.push(UsageRow { model, input, output, cache_read, cache_write }),
            }
        }
    }
}

/// A number of 10⁻¹⁰ as a decimal, moved by `shift` places: 2 for cents.
pub fn decimal(units: u64, shift: usize) -> String {
    let places = 10 - shift;
    let scale = 10_u64.pow(places as u32);
    let text = format!("{}.{:0places$}", units / scale, units % scale);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How a server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mischief {
    #[default]
    None,
    /// Every page comes a second time, under another name.
    TwiceEach,
    /// Buckets come newest first.
    OutOfOrder,
    /// There is always another page, each with a name of its own, that says what was said before.
    Endless,
    /// The last page leads back to the first.
    Around,
    /// A day is told twice, and differently.
    Contradiction,
    /// Buckets of half a day.
    HalfDays,
    /// This currency in place of USD.
    Currency(&'static str),
    /// Half of a day's lines are in another currency.
    TwoCurrencies,
    /// This amount on each line.
    Amount(&'static str),
    /// A refusal because nothing is left.
    NoCredit,
}

/// Pages over buckets, by their number: which come, whether there is another page, and its name.
pub struct Paged {
    pub buckets: Vec<Date>,
    pub next: Option<String>,
}

/// Cuts days into pages. A page's name tells where it begins, and is nobody's business but the server's.
pub fn page(days: &[Date], size: usize, name: Option<&str>, mischief: Mischief) -> Option<Paged> {
    let (begin, round) = match name {
        None => (0, 0),
        Some(name) => {
            let (begin, round) = name.strip_prefix("page_")?.split_once('_')?;
            (begin.parse::<usize>().ok()?, round.parse::<usize>().ok()?)
        }
    };
    let end = (begin + size).min(days.len());
    let mut buckets = days.get(begin..end)?.to_vec();
    let has_rest = end < days.len();
    let next = match mischief {
        Mischief::TwiceEach if round == 0 => Some(format!("page_{begin}_1")),
        Mischief::Endless if !has_rest => Some(format!("page_0_{}", round + 1)),
        Mischief::Around if !has_rest => Some("page_0_0".to_owned()),
        _ if has_rest => {
            Some(format!("page_{end}_{}", if mischief == Mischief::Endless { round } else { 0 }))
        }
        _ => None,
    };
    if mischief == Mischief::OutOfOrder {
        buckets.reverse();
    }
    Some(Paged { buckets, next })
}
