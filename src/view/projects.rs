//! Query: which directories belong to each project, and each project's cost.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::report::Totals;
use super::spend::{SpendView, Sum};

/// A directory in which sessions began, and its project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct FoldedLine {
    /// Where sessions began, as recorded.
    #[schema(example = "/w/alpha/.claude/worktrees/x")]
    pub began_in: String,
    /// Root of the repository around it; empty if none was found.
    pub repository: String,
    /// The project's directory.
    #[schema(example = "/w/alpha")]
    pub directory: String,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectLine {
    /// Its name: an alias, or its directory; empty if no directory is known.
    #[schema(example = "alpha")]
    pub project: String,
    /// The directories that belong to it.
    pub folded: Vec<FoldedLine>,
    /// Its numbers.
    #[serde(flatten)]
    pub totals: Totals,
}

/// An alias of a directory and everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AliasLine {
    /// The directory, or a name that is renamed.
    #[schema(example = "/w/alpha")]
    pub directory: String,
    /// Its name.
    #[schema(example = "alpha")]
    pub name: String,
}

/// All projects and aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectsShown {
    /// By cost, the most expensive first.
    pub projects: Vec<ProjectLine>,
    /// By directory.
    pub aliases: Vec<AliasLine>,
}

#[must_use]
pub fn projects(spend: &SpendView) -> ProjectsShown {
    let mut known: BTreeMap<&str, (Sum, Vec<FoldedLine>)> = BTreeMap::new();
    for [began_in, repository, directory, name] in spend.projects() {
        let line = FoldedLine {
            began_in: began_in.to_owned(),
            repository: repository.to_owned(),
            directory: directory.to_owned(),
        };
        known.entry(name).or_default().1.push(line);
    }
    for part in spend.parts_between(Timestamp::MIN, Timestamp::MAX) {
        known.entry(part.project).or_default().0.add(part.sum);
    }
    let mut projects: Vec<ProjectLine> = known
        .into_iter()
        .map(|(name, (sum, mut folded))| {
            folded.sort_unstable();
            ProjectLine { project: name.to_owned(), folded, totals: (&sum).into() }
        })
        // All of its calls were withdrawn.
        .filter(|line| line.totals.messages > 0)
        .collect();
    // The order before was by name, and decides ties.
    projects.sort_by_key(|line| Reverse(line.totals.cost_usd));
    let alias = |(directory, name): (&str, &str)| AliasLine {
        directory: directory.to_owned(),
        name: name.to_owned(),
    };
    ProjectsShown { projects, aliases: spend.aliases().iter().map(alias).collect() }
}
