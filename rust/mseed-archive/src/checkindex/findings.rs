//! What was found, as many lines of each kind as anybody reads.

use std::collections::BTreeMap;

use crate::problem::{MAX_TOLD, Problem, ProblemKind, ProblemList};

/// Problems of each kind: the first [`MAX_TOLD`] by file and place, whoever found them first, and
/// how many more there are.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<&'static str, OfKind>);

#[derive(Debug, Default)]
struct OfKind {
    told: Vec<Problem>,
    more: u64,
}

impl Findings {
    pub(super) fn add(&mut self, problem: Problem) {
        let kind = self.0.entry(problem.kind.as_str()).or_default();
        kind.told.push(problem);
        if kind.told.len() >= 2 * MAX_TOLD {
            kind.tidy();
        }
    }

    /// All lines, by file and place; `index` is named where problems are counted only.
    pub(super) fn into_lines(self, index: &str) -> Vec<Problem> {
        let mut lines = Vec::new();
        for (_, mut kind) in self.0 {
            kind.tidy();
            let more = kind.told.first().filter(|_| kind.more > 0).map(|first| {
                let reason = format!("and {} more of this kind, in files behind", kind.more);
                Problem {
                    count: kind.more,
                    ..Problem::file(index, first.kind, reason)
                }
            });
            lines.append(&mut kind.told);
            lines.extend(more);
        }
        lines.sort_by(|a, b| (&a.path, a.offset).cmp(&(&b.path, b.offset)));
        lines
    }
}

impl OfKind {
    fn tidy(&mut self) {
        self.told
            .sort_by(|a, b| (&a.path, a.offset, &a.reason).cmp(&(&b.path, b.offset, &b.reason)));
        let behind = self.told.len().min(MAX_TOLD);
        self.more += self.told.drain(behind..).map(|p| p.count).sum::<u64>();
    }
}

/// What is wrong with one file, and what is to be done about it.
#[derive(Debug)]
pub(super) struct OfFile<'a> {
    name: &'a str,
    remedy: &'static str,
    problems: ProblemList,
}

impl<'a> OfFile<'a> {
    pub(super) fn new(name: &'a str, remedy: &'static str) -> Self {
        Self {
            name,
            remedy,
            problems: ProblemList::default(),
        }
    }

    /// Add a problem: what was found and expected, and where.
    pub(super) fn add(&mut self, kind: ProblemKind, offset: Option<u64>, reason: String) {
        let reason = format!("{reason}; {}", self.remedy);
        self.problems.push(Problem {
            offset,
            ..Problem::file(self.name, kind, reason)
        });
    }

    /// Add a problem that says itself what is to be done.
    pub(super) fn add_plain(&mut self, kind: ProblemKind, reason: String) {
        self.problems.push(Problem::file(self.name, kind, reason));
    }

    /// The file ends before bytes that rows name.
    pub(super) fn too_short(&mut self, size: u64, named: u64) {
        let problem = Problem::too_short(self.name, size, named, self.remedy);
        self.problems.push(problem);
    }

    pub(super) fn into_problems(self) -> ProblemList {
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thousand_of_a_kind_are_told_in_whatever_order_they_came() {
        let name = |number: usize| format!("{number:05}");
        let mut findings = Findings::default();
        for number in 0..5003 {
            // 5003 is a prime: each number once, out of order.
            let path = name(number * 1999 % 5003);
            findings.add(Problem::file(&path, ProblemKind::NotIndexed, "new"));
        }
        findings.add(Problem::file("x", ProblemKind::Row, "bad"));
        let lines = findings.into_lines("index");
        assert_eq!(lines.len(), MAX_TOLD + 2);
        for (number, line) in lines[..MAX_TOLD].iter().enumerate() {
            assert_eq!((line.path.as_str(), line.count), (&*name(number), 1));
        }
        let more = &lines[MAX_TOLD];
        assert_eq!((more.path.as_str(), more.count), ("index", 4003));
        assert!(more.reason.contains("4003"), "{}", more.reason);
        assert_eq!(lines[MAX_TOLD + 1].path, "x");
    }
}
