//! What a user asks for (`BH?`, `00,10`, `--`) → conditions on the columns.

/// Selection of channels: one pattern for each code.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Alternatives for network, station, location, channel, as SQLite GLOB patterns.
    codes: [Vec<String>; 4],
    /// The codes, when each is given without wildcard or alternative.
    exact: Option<[String; 4]>,
}

const COLUMNS: [&str; 4] = ["network", "station", "location", "channel"];

impl Selection {
    /// Selection from the four codes: `*`, `?`, `[..]`, comma lists. An empty text and `--` mean
    /// the empty code, as FDSN web services have it for locations.
    #[must_use]
    pub fn new(network: &str, station: &str, location: &str, channel: &str) -> Self {
        let codes = [network, station, location, channel].map(alternatives);
        let plain = |patterns: &Vec<String>| patterns.len() == 1 && !is_wild(&patterns[0]);
        let exact = codes.iter().all(plain);
        Self {
            exact: exact.then(|| codes.each_ref().map(|patterns| patterns[0].clone())),
            codes,
        }
    }

    /// The codes, when each is given without wildcard or alternative.
    pub(super) fn exact(&self) -> Option<&[String; 4]> {
        self.exact.as_ref()
    }

    /// Condition on the columns, and its parameters.
    pub(super) fn condition(&self) -> (String, Vec<&str>) {
        let mut parameters = Vec::new();
        let mut parts = Vec::new();
        for (column, patterns) in COLUMNS.iter().zip(&self.codes) {
            if patterns.iter().any(|p| p == "*") {
                continue;
            }
            let (wild, plain): (Vec<_>, Vec<_>) = patterns
                .iter()
                .map(String::as_str)
                .partition(|p| is_wild(p));
            let mut either = Vec::new();
            if !plain.is_empty() {
                // One IN, however long the list: SQLite bounds the depth of a chain of ORs.
                let places = vec!["?"; plain.len()].join(",");
                either.push(format!("{column} IN ({places})"));
                parameters.extend(plain);
            }
            for pattern in wild {
                either.push(format!("{column} GLOB ?"));
                parameters.push(pattern);
            }
            parts.push(format!("({})", either.join(" OR ")));
        }
        let text = if parts.is_empty() {
            "1".to_owned()
        } else {
            parts.join(" AND ")
        };
        (text, parameters)
    }
}

fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

fn alternatives(text: &str) -> Vec<String> {
    text.split(',')
        .map(|part| match part.trim() {
            "--" => String::new(),
            // SQLite writes "none of these" as [^..], shells and Python as [!..].
            code => code.replace("[!", "[^"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_location_can_be_asked_for() {
        for location in ["", "--"] {
            let selection = Selection::new("*", "*", location, "BH?,HH[!Z]");
            let (text, parameters) = selection.condition();
            assert_eq!(
                text,
                "(location IN (?)) AND (channel GLOB ? OR channel GLOB ?)"
            );
            assert_eq!(parameters, ["", "BH?", "HH[^Z]"]);
        }
    }

    #[test]
    fn stars_make_no_condition() {
        let selection = Selection::new("*", "*", "*", "*");
        assert_eq!(selection.condition().0, "1");
    }

    #[test]
    fn a_list_of_codes_is_one_condition() {
        let selection = Selection::new("XX", "A,B,C*", "00", "HHZ");
        let (text, parameters) = selection.condition();
        assert!(
            text.contains("(station IN (?,?) OR station GLOB ?)"),
            "{text}"
        );
        assert_eq!(parameters, ["XX", "A", "B", "C*", "00", "HHZ"]);
        assert_eq!(selection.exact(), None);
        let exact = Selection::new("XX", "A", "--", "HHZ");
        assert_eq!(
            exact.exact(),
            Some(&["XX", "A", "", "HHZ"].map(str::to_owned))
        );
    }
}
