use std::fmt;
use std::sync::Arc;

/// Where something stands in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file's name as it was opened.
    pub file: Arc<str>,
    /// Counted from 1; 0 means the file as a whole.
    pub line: u32,
    /// Counted in characters from 1.
    pub column: u32,
}

impl Place {
    /// The file as a whole, for what has no line of its own.
    pub fn whole(file: &str) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// One word, quotes and escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it begins.
    pub place: Place,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// `name arg arg;` or `name arg { ... }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The first word.
    pub name: Word,
    /// The words after it.
    pub args: Vec<Word>,
    /// What stands between its braces, if it has any.
    pub block: Option<Vec<Directive>>,
    /// Its `;` or `}`.
    pub end: Place,
}

impl Directive {
    /// The name as text.
    pub fn name(&self) -> &str {
        &self.name.text
    }

    /// The argument at `index` as text; empty if there is none.
    pub fn arg(&self, index: usize) -> &str {
        self.args.get(index).map_or("", |word| &word.text)
    }

    /// Where the argument at `index` begins; the directive's own place if there is none.
    pub fn place(&self, index: usize) -> &Place {
        self.args
            .get(index)
            .map_or(&self.name.place, |word| &word.place)
    }

    /// What stands between the braces; nothing without any.
    pub fn children(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }
}
