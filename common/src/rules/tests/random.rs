//! Random rules on random events, many at a time, against the oracle.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::oracle::Oracle;
use crate::rules::compile::Compiler;
use crate::rules::set::{RuleSet, State};
use crate::rules::syntax::parse;
use crate::rules::{Feed, Sample, SampleValue};

/// Numbers from 0 up to a bound, the same for the same seed (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const PATHS: [&str; 9] = [
    "/etc/passwd",
    "/etc/shadow",
    "/etc",
    "/usr/bin/ls",
    "/usr/lib/x.so",
    "/a/b/a/b",
    "/tmp/x",
    "/",
    "/usr/bin/tool-1",
];
const GLOBS: [&str; 12] = [
    "/etc/*",
    "/etc/**",
    "/usr/**/ls",
    "/**/*.so",
    "/*/x",
    "/a/**/a/b",
    "/etc/pass*",
    "/u*/*/l*",
    "/usr/*/tool-*",
    "/usr/**/tool-1",
    "/usr/*/*ool-1",
    "**/tool-*",
];
const NAMES: [&str; 6] = ["passwd", "shadow", "ls", "x.so", "sh", "bash"];
const PATTERNS: [&str; 7] = ["pass*", "*sh", "*s*", "*.so", "b*h", "*has*", "s*ado*"];
const PATH_FIELDS: [&str; 3] = ["open.file.path", "process.file.path", "process.parent.file.path"];
const NAME_FIELDS: [&str; 6] = [
    "open.file.name",
    "process.comm",
    "process.args",
    "process.argv",
    "process.ancestors.comm",
    "process.ancestors[A].comm",
];
const NUMBER_FIELDS: [&str; 5] =
    ["open.flags", "process.uid", "open.retval", "process.ancestors.uid", "process.ancestors[A].uid"];

fn literal(random: &mut Random, texts: &[&str], patterns: &[&str]) -> String {
    if random.below(3) == 0 { format!("~{:?}", random.pick(patterns)) } else { format!("{:?}", random.pick(texts)) }
}

pub(super) fn comparison(random: &mut Random) -> String {
    let texts = |random: &mut Random, field: &str, texts: &[&str], patterns: &[&str]| match random.below(6) {
        0 => format!("{field} =~ {:?}", random.pick(patterns)),
        1 => format!("{field} !~ {:?}", random.pick(patterns)),
        2 => format!("{field} {} {}", random.pick(&["==", "!="]), literal(random, texts, patterns)),
        _ => {
            let members: Vec<_> = (0..=random.below(7)).map(|_| literal(random, texts, patterns)).collect();
            format!("{field} {} [{}]", random.pick(&["in", "in", "not in", "allin"]), members.join(", "))
        }
    };
    match random.below(9) {
        0..3 => {
            let field = random.pick(&PATH_FIELDS);
            texts(random, field, &PATHS, &GLOBS)
        }
        3..6 => {
            let field = random.pick(&NAME_FIELDS);
            texts(random, field, &NAMES, &PATTERNS)
        }
        6 => {
            let members: Vec<_> = (0..=random.below(3)).map(|_| random.below(4).to_string()).collect();
            format!("{} {} [{}]", random.pick(&NUMBER_FIELDS), random.pick(&["in", "not in"]), members.join(", "))
        }
        7 => {
            let field = random.pick(&NUMBER_FIELDS);
            let operator = random.pick(&["==", "!=", "<", "<=", ">", ">="]);
            let left = match random.below(3) {
                0 => format!("{field} & {}", random.below(4)),
                1 => format!("{field} + {}", random.below(4)),
                _ => field.into(),
            };
            format!("{left} {operator} {}", random.below(4))
        }
        _ => random.pick(&["process.is_thread", "process.is_kworker", "process.is_thread == false"]).into(),
    }
}

pub(super) fn condition(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 1 } else { 4 }) {
        0 => comparison(random),
        1 => format!("!({})", condition(random, depth - 1)),
        choice => {
            let parts: Vec<_> =
                (0..2 + random.below(2)).map(|_| format!("({})", condition(random, depth - 1))).collect();
            parts.join(if choice == 2 { " && " } else { " || " })
        }
    }
}

fn values(random: &mut Random) -> (HashMap<String, SampleValue>, usize) {
    let elements = random.below(4);
    let text = |text: &str| SampleValue::Text(text.as_bytes().into());
    let mut values = HashMap::new();
    for field in PATH_FIELDS {
        values.insert(field.into(), text(random.pick(&PATHS)));
    }
    for field in ["open.file.name", "process.comm", "process.args"] {
        values.insert(field.into(), text(random.pick(&NAMES)));
    }
    for field in ["open.flags", "process.uid", "open.retval"] {
        values.insert(field.into(), SampleValue::Int(random.below(4).try_into().unwrap()));
    }
    for field in ["process.is_thread", "process.is_kworker"] {
        values.insert(field.into(), SampleValue::Bool(random.below(2) == 0));
    }
    let names = |random: &mut Random, count| (0..count).map(|_| random.pick(&NAMES).as_bytes().into()).collect();
    let argv = random.below(3);
    values.insert("process.argv".into(), SampleValue::Texts(names(random, argv)));
    values.insert("process.ancestors.comm".into(), SampleValue::Texts(names(random, elements)));
    let uids = (0..elements).map(|_| random.below(4).try_into().unwrap()).collect();
    values.insert("process.ancestors.uid".into(), SampleValue::Ints(uids));
    (values, elements)
}

#[test]
fn compiled_rules_mean_what_is_written() {
    for seed in 1..60 {
        let mut random = Random(seed * 0x9e37_79b9);
        let texts: Vec<_> =
            (0..60).map(|_| format!("open.file.path != \"/never\" && ({})", condition(&mut random, 3))).collect();
        let mut compiler = Compiler::new(Feed::Everything);
        let compiled = texts
            .iter()
            .map(|text| compiler.rule(text).unwrap_or_else(|problem| panic!("{}", super::shown(&problem, text))))
            .collect();
        let rules = RuleSet::new(compiler.program, compiler.variables, compiled);
        let trees: Vec<_> = texts.iter().map(|text| parse(text).unwrap().root).collect();
        let mut state = State::new(&rules, 1);
        for _ in 0..60 {
            let (values, elements) = values(&mut random);
            let mut sample = Sample::default();
            values.iter().for_each(|(name, value)| sample.set(name.clone(), value.clone()));
            let mut found = vec![false; texts.len()];
            rules.matches_facts("open", &sample, &mut state, &mut |place, _, _| found[place] = true);
            let oracle = Oracle { values: &values, elements };
            for ((text, tree), found) in texts.iter().zip(&trees).zip(found) {
                assert_eq!(found, oracle.matches(tree), "seed {seed}: {text}\n{values:?}");
            }
        }
    }
}
