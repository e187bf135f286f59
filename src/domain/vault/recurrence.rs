//! Whether a text is a rule of recurrence.
//!
//! Source: obsidian-tasks-group/obsidian-tasks, `src/Task/Recurrence.ts` (`fromText`: a rule, and `when done` behind it),
//! which has jkbrzt/rrule 2.8 read the rule: `src/nlp/parsetext.ts` and the words of `src/nlp/i18n.ts`. A text that is no
//! rule is taken from the line all the same, and the task does not recur. What follows a rule and is no part of one is
//! ignored.

/// What a word is to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Skip,
    Number,
    Every,
    Day,
    Weekday,
    Week,
    Hour,
    Minute,
    Month,
    Year,
    On,
    At,
    The,
    /// `first`, `second`, `third`, `last` and `4th`; whether it is out of range.
    Nth {
        is_wide: bool,
    },
    Last,
    For,
    Until,
    /// A day of the week.
    Name,
    /// A name of a month.
    MonthName,
    Comma,
    /// Known, and of no use in a rule.
    Other,
}

/// Words and what they are, each in all its lengths.
const WORDS: &[(Symbol, &str)] = &[
    (Symbol::Every, "every"),
    (Symbol::Day, "days day"),
    (Symbol::Weekday, "weekdays weekday"),
    (Symbol::Week, "weeks week"),
    (Symbol::Hour, "hours hour"),
    (Symbol::Minute, "minutes minute"),
    (Symbol::Month, "months month"),
    (Symbol::Year, "years year"),
    (Symbol::On, "on in"),
    (Symbol::At, "at"),
    (Symbol::The, "the"),
    (Symbol::Nth { is_wide: false }, "first second third"),
    (Symbol::Last, "last"),
    (Symbol::For, "for"),
    (Symbol::Until, "until til"),
    (Symbol::Other, "one two three times time"),
    (
        Symbol::Name,
        "monday mon mo tuesday tues tue tu wednesday wedn wed we thursday thur thu th friday fri fr saturday sat sa \
         sunday sun su",
    ),
    (
        Symbol::MonthName,
        "january jan february feb march mar april apr may june jun july jul august aug september sept sep october oct \
         november nov december dec",
    ),
];

/// Why a text is no rule: nothing more is asked.
struct NoRule;

/// Whether the plugin takes a text for a rule.
#[must_use]
pub fn is_rule(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let rule = lower.strip_suffix(" when done").unwrap_or(&lower);
    let mut parser = Parser { rest: rule.trim(), symbol: None };
    parser.next();
    parser.rule().is_ok()
}

struct Parser<'a> {
    rest: &'a str,
    /// The symbol that was read last; none at the end, or where nothing is known.
    symbol: Option<Symbol>,
}

impl Parser<'_> {
    /// Reads the next symbol that is no space. Where nothing is known, the text ends.
    fn next(&mut self) {
        loop {
            let Some((symbol, length)) = longest(self.rest) else {
                (self.rest, self.symbol) = ("", None);
                return;
            };
            self.rest = &self.rest[length..];
            self.symbol = Some(symbol);
            if symbol != Symbol::Skip {
                return;
            }
            // A space at the very end is a symbol like any other to the parser, and nothing follows it.
            if self.rest.is_empty() {
                self.symbol = None;
                return;
            }
        }
    }

    fn accept(&mut self, symbol: Symbol) -> bool {
        let is_it = self.symbol == Some(symbol);
        if is_it {
            self.next();
        }
        is_it
    }

    fn expect(&mut self, symbol: Symbol) -> Result<(), NoRule> {
        if self.accept(symbol) { Ok(()) } else { Err(NoRule) }
    }

    fn rule(&mut self) -> Result<(), NoRule> {
        self.expect(Symbol::Every)?;
        self.accept(Symbol::Number);
        let unit = self.symbol.ok_or(NoRule)?;
        match unit {
            Symbol::Day | Symbol::Weekday => {
                self.next();
                self.at()?;
            }
            Symbol::Week => {
                self.next();
                self.on()?;
                self.at()?;
            }
            Symbol::Hour | Symbol::Minute | Symbol::Month | Symbol::Year => {
                self.next();
                self.on()?;
            }
            Symbol::Name | Symbol::MonthName => {
                self.next();
                while self.accept(Symbol::Comma) {
                    self.expect(unit)?;
                }
                if unit == Symbol::MonthName {
                    self.on()?;
                } else {
                    self.at()?;
                    self.days_of_month()?;
                }
            }
            _ => return Err(NoRule),
        }
        self.end()
    }

    /// `first`, `2nd last`, `last`.
    fn nth(&mut self) -> Result<bool, NoRule> {
        match self.symbol {
            Some(Symbol::Last) => self.next(),
            Some(Symbol::Nth { is_wide: true }) => return Err(NoRule),
            Some(Symbol::Nth { .. }) => {
                self.next();
                self.accept(Symbol::Last);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn on(&mut self) -> Result<(), NoRule> {
        let is_on = self.accept(Symbol::On);
        if !(self.accept(Symbol::The) || is_on) {
            return Ok(());
        }
        loop {
            if self.nth()? {
                if !self.accept(Symbol::Name) {
                    self.accept(Symbol::Day);
                }
            } else if self.accept(Symbol::Week) {
                self.numbers()?;
            } else if ![Symbol::Name, Symbol::Weekday, Symbol::MonthName]
                .into_iter()
                .any(|one| self.accept(one))
            {
                return Ok(());
            }
            if ![Symbol::Comma, Symbol::The, Symbol::On].into_iter().any(|one| self.accept(one)) {
                return Ok(());
            }
        }
    }

    fn at(&mut self) -> Result<(), NoRule> {
        if self.accept(Symbol::At) {
            self.numbers()?;
            while self.accept(Symbol::At) {
                self.numbers()?;
            }
        }
        Ok(())
    }

    fn numbers(&mut self) -> Result<(), NoRule> {
        self.expect(Symbol::Number)?;
        while self.accept(Symbol::Comma) {
            self.expect(Symbol::Number)?;
        }
        Ok(())
    }

    fn days_of_month(&mut self) -> Result<(), NoRule> {
        self.accept(Symbol::On);
        self.accept(Symbol::The);
        if self.nth()? {
            self.next();
            while self.accept(Symbol::Comma) {
                if !self.nth()? {
                    return Err(NoRule);
                }
                self.next();
            }
        }
        Ok(())
    }

    /// `until` a date, or `for` a number of times.
    fn end(&mut self) -> Result<(), NoRule> {
        if self.symbol == Some(Symbol::Until) {
            // The engine of JavaScript reads the date: each that it knows has a number.
            let has_number = self.rest.bytes().any(|byte| byte.is_ascii_digit());
            return if has_number { Ok(()) } else { Err(NoRule) };
        }
        if self.accept(Symbol::For) { self.expect(Symbol::Number) } else { Ok(()) }
    }
}

/// The longest symbol at the start of a text in lower case, and its length.
fn longest(text: &str) -> Option<(Symbol, usize)> {
    let spaces = text.len() - text.trim_start_matches([' ', '\t']).len();
    if spaces > 0 {
        return Some((Symbol::Skip, spaces));
    }
    if let Some(number) = number(text) {
        return Some(number);
    }
    let comma = comma(text);
    if comma > 0 {
        return Some((Symbol::Comma, comma));
    }
    let words =
        WORDS.iter().flat_map(|(symbol, words)| words.split_ascii_whitespace().map(|word| (*symbol, word)));
    let found = words.filter(|(_, word)| text.starts_with(word)).max_by_key(|(_, word)| word.len());
    found.map(|(symbol, word)| (symbol, word.len()))
}

/// A number, or one with its ending: `4th`.
fn number(text: &str) -> Option<(Symbol, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || text.starts_with('0') {
        return None;
    }
    let (number, rest) = text.split_at(digits);
    let ending = [".", "th", "nd", "rd", "st"].into_iter().find(|ending| rest.starts_with(ending));
    Some(match ending {
        None => (Symbol::Number, digits),
        Some(ending) => {
            let is_wide = number.parse::<u32>().map_or(true, |number| number > 366);
            (Symbol::Nth { is_wide }, digits + ending.len())
        }
    })
}

/// Commas, `and` and `or`, with the spaces behind them.
fn comma(text: &str) -> usize {
    let mut rest = text;
    while let Some(after) = [",", "and", "or"].into_iter().find_map(|comma| rest.strip_prefix(comma)) {
        rest = after.trim_start_matches([' ', '\t']);
    }
    text.len() - rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_what_the_plugin_takes_for_one() {
        // As decided by rrule 2.8.1 behind the plugin's `Recurrence.fromText`.
        let cases = [
            ("every day", true),
            ("every 2 days", true),
            ("every day when done", true),
            ("Every Day WHEN DONE", true),
            ("every week", true),
            ("every 2 weeks on Monday, Friday", true),
            ("every week on Tuesday", true),
            ("every weekday", true),
            ("every weekdays", true),
            ("every month", true),
            ("every month on the 1st", true),
            ("every month on the last", true),
            ("every month on the last Friday", true),
            ("every month on the 2nd last Friday", true),
            ("every 6 months", true),
            ("every year", true),
            ("every January on the 15th", true),
            ("every January", true),
            ("every Monday", true),
            ("every Monday, Wednesday and Friday", true),
            ("every 3 months when done", true),
            ("every April and December on the 1st and 24th", true),
            ("every hour", true),
            ("every minute", true),
            ("every day at 9", true),
            ("every day at", false),
            ("every day at nine", false),
            ("every week on", true),
            ("every week on the week", false),
            ("every week on week 3", true),
            ("every month on the 400th", false),
            ("every month on the 366th", true),
            ("every month on foo", true),
            ("every", false),
            ("every 2", false),
            ("every 0 days", false),
            ("every two days", false),
            ("every second day", false),
            ("every other week", false),
            ("daily", false),
            ("day", false),
            ("week", false),
            ("whenever", false),
            ("", false),
            ("when done", false),
            ("every when done", false),
            ("every day for 3 times", true),
            ("every day for 3", true),
            ("every day for", false),
            ("every day for ever", false),
            ("every day until January 1, 2027", true),
            ("every day until", false),
            ("every day until soon", false),
            ("every Monday,", false),
            ("every Monday, day", false),
            ("every January, foo", false),
            ("every Monday on the 1st", true),
            ("every Monday on the 1st, 2nd", true),
            ("every days!", true),
            ("every day !", true),
            ("every day foo bar", true),
            ("foo every day", false),
            ("everyday", true),
            ("every mon", true),
            ("every tues", true),
            ("every weds", true),
            ("every sept", true),
            ("every fri and sat", true),
            ("every day, week", true),
            ("every week on Monday at 9", true),
            ("every month on 15", true),
            ("every month in January", true),
            ("every  day", true),
            ("EVERY MONTH ON THE 1ST", true),
            ("every weekend", true),
            ("every quarter", false),
            ("every fortnight", false),
            ("every 1st day", false),
            ("every year on January 1", true),
            ("every year in March on the 2nd Tuesday", true),
            ("every month on the first, third Monday", true),
            ("every month on Monday and the 3rd", true),
            ("every one", false),
            ("every time", false),
            ("when done every day", false),
            ("every day whendone", true),
        ];
        for (text, expected) in cases {
            assert_eq!(is_rule(text), expected, "{text:?}");
        }
        // Nothing is asked twice, however long it is.
        assert!(is_rule(&format!("every month on {}", "the 1st, ".repeat(10_000))));
    }
}
