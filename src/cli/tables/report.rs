//! The usage report.

use crate::view::report::{ModelLine, Report, Totals};

use super::{cost, count, or_unknown, shorten, table};

/// What stands where the models of a group are summed.
const ALL: &str = "all";

/// A group: its name, its models, and all of them together.
type Group<'a> = (&'a str, &'a [ModelLine], &'a Totals);

/// `mecris report`. A group of several models begins with their sum.
#[must_use]
pub fn report(report: &Report) -> String {
    macro_rules! groups {
        ($groups:ident.$key:ident) => {
            $groups.iter().map(|group| (&*group.$key, &*group.models, &group.total)).collect()
        };
    }
    let (heading, groups): (&str, Vec<Group<'_>>) = match report {
        Report::Hourly { hours, .. } => ("Hour", groups!(hours.hour)),
        Report::Daily { days, .. } => ("Day", groups!(days.day)),
        Report::Weekly { weeks, .. } => ("Week of", groups!(weeks.week)),
        Report::Monthly { months, .. } => ("Month", groups!(months.month)),
        Report::Yearly { years, .. } => ("Year", groups!(years.year)),
        Report::Provider { providers, .. } => ("Provider", groups!(providers.provider)),
        Report::Project { projects, .. } => ("Project", groups!(projects.project)),
        Report::Session { sessions, .. } => ("Session", groups!(sessions.session)),
        Report::Model { models, .. } => ("Provider", models.iter().map(of_one).collect()),
    };
    let mut rows = table(&[heading, "Model", "Msgs", "Input", "Output", "Cache+", "Cached", "Cost"], 2);
    for (name, models, total) in groups {
        let name = shorten(or_unknown(name), 16);
        let several = models.len() > 1;
        if several {
            rows.add_row(usage_row([name.clone(), ALL.to_owned()], total));
        }
        for line in models {
            let model = line.model.strip_prefix("claude-").unwrap_or(&line.model);
            let name = if several { String::new() } else { name.clone() };
            rows.add_row(usage_row([name, shorten(model, 20)], &line.totals));
        }
    }
    rows.add_row(usage_row(["Total".to_owned(), String::new()], report.total()));
    format!("{}\n", rows.trim_fmt())
}

/// A model as a group of its own.
fn of_one(line: &ModelLine) -> Group<'_> {
    (&line.provider, std::slice::from_ref(line), &line.totals)
}

fn usage_row(names: [String; 2], totals: &Totals) -> Vec<String> {
    let cache_write = totals.cache_write_5m_tokens + totals.cache_write_1h_tokens;
    let numbers =
        [totals.messages, totals.input_tokens, totals.output_tokens, cache_write, totals.cache_read_tokens];
    names.into_iter().chain(numbers.map(count)).chain([cost(totals)]).collect()
}
