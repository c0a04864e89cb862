//! What a user asks for (`BH?`, `00,10`, `--`) → conditions on the columns.

/// Selection of channels: one pattern for each code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Alternatives for network, station, location, channel, as SQLite GLOB patterns.
    codes: [Vec<String>; 4],
}

const COLUMNS: [&str; 4] = ["network", "station", "location", "channel"];

impl Selection {
    /// Selection from the four codes: `*`, `?`, `[..]`, comma lists. An empty text and `--` mean
    /// the empty code, as FDSN web services have it for locations.
    #[must_use]
    pub fn new(network: &str, station: &str, location: &str, channel: &str) -> Self {
        Self {
            codes: [network, station, location, channel].map(alternatives),
        }
    }

    /// Condition on the columns, and its parameters.
    pub(super) fn condition(&self) -> (String, Vec<&str>) {
        let mut parameters = Vec::new();
        let mut parts = Vec::new();
        for (column, patterns) in COLUMNS.iter().zip(&self.codes) {
            if patterns.iter().any(|p| p == "*") {
                continue;
            }
            let mut either = Vec::new();
            for pattern in patterns {
                let wild = pattern.contains(['*', '?', '[']);
                either.push(format!("{column} {} ?", if wild { "GLOB" } else { "=" }));
                parameters.push(pattern.as_str());
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
                "(location = ?) AND (channel GLOB ? OR channel GLOB ?)"
            );
            assert_eq!(parameters, ["", "BH?", "HH[^Z]"]);
        }
    }

    #[test]
    fn stars_make_no_condition() {
        let selection = Selection::new("*", "*", "*", "*");
        assert_eq!(selection.condition().0, "1");
    }
}
