use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use super::{Place, Problems, Word};

/// What a file is made of.
pub(super) enum Token {
    Word(Word),
    Semicolon(Place),
    Open(Place),
    Close(Place),
    End(Place),
}

/// NGINX's words and punctuation, each with its place.
///
/// `;` and `{` end a word, `}` and `#` are special only where a word could begin, and `{` right
/// after a `$` belongs to its word.
pub(super) struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    file: Arc<str>,
    line: u32,
    column: u32,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, file: &str) -> Self {
        Self {
            rest: text.chars().peekable(),
            file: file.into(),
            line: 1,
            column: 1,
        }
    }

    pub(super) fn next(&mut self, problems: &mut Problems) -> Token {
        self.skip_to_word();
        let place = self.place();
        match self.rest.peek() {
            None => Token::End(place),
            Some(';') => self.punctuation(Token::Semicolon(place)),
            Some('{') => self.punctuation(Token::Open(place)),
            Some('}') => self.punctuation(Token::Close(place)),
            Some(&quote @ ('"' | '\'')) => {
                self.bump();
                let text = self.quoted(quote);
                self.expect_gap(problems);
                Token::Word(Word {
                    text,
                    place,
                    quoted: true,
                })
            }
            Some(_) => Token::Word(Word {
                text: self.bare(),
                place,
                quoted: false,
            }),
        }
    }

    fn place(&self) -> Place {
        Place {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
        }
    }

    fn punctuation(&mut self, token: Token) -> Token {
        self.bump();
        token
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn skip_to_word(&mut self) {
        while let Some(&c) = self.rest.peek() {
            if c == '#' {
                while self.rest.peek().is_some_and(|c| *c != '\n') {
                    self.bump();
                }
            } else if is_gap(c) {
                self.bump();
            } else {
                return;
            }
        }
    }

    fn bare(&mut self) -> String {
        let mut text = String::new();
        let mut after_dollar = false;
        while let Some(&c) = self.rest.peek() {
            if is_gap(c) || c == ';' || (c == '{' && !after_dollar) {
                break;
            }
            self.bump();
            after_dollar = c == '$' || (c == '{' && after_dollar);
            if c == '\\' {
                self.escape(&mut text);
            } else {
                text.push(c);
            }
        }
        text
    }

    /// Up to the closing quote, or the end of the file, which the parser then complains about.
    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        while let Some(c) = self.bump() {
            match c {
                '\\' => self.escape(&mut text),
                c if c == quote => break,
                c => text.push(c),
            }
        }
        text
    }

    /// What follows a backslash; one that escapes nothing NGINX knows stays.
    fn escape(&mut self, text: &mut String) {
        match self.bump() {
            Some(c @ ('"' | '\'' | '\\')) => text.push(c),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('n') => text.push('\n'),
            Some(c) => text.extend(['\\', c]),
            None => text.push('\\'),
        }
    }

    /// After a closing quote only a gap, `;`, `{` or `)` may follow.
    fn expect_gap(&mut self, problems: &mut Problems) {
        if let Some(&c) = self.rest.peek() {
            if !is_gap(c) && !matches!(c, ';' | '{' | ')') {
                problems.push(&self.place(), format!("unexpected \"{c}\""));
            }
        }
    }
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as `line:column text`, punctuation as itself.
    fn lex(text: &str) -> Vec<String> {
        let mut problems = Problems::new();
        let mut lexer = Lexer::new(text, "f");
        let mut out = Vec::new();
        loop {
            out.push(match lexer.next(&mut problems) {
                Token::Word(w) => format!("{}:{} {}", w.place.line, w.place.column, w.text),
                Token::Semicolon(_) => ";".into(),
                Token::Open(_) => "{".into(),
                Token::Close(_) => "}".into(),
                Token::End(_) => break,
            });
        }
        out.extend(problems.iter().map(|p| p.to_string()));
        out
    }

    #[test]
    fn words() {
        for (text, expected) in [
            ("", &[] as &[&str]),
            ("a b;", &["1:1 a", "1:3 b", ";"]),
            ("a{b;}", &["1:1 a", "{", "1:3 b", ";", "}"]),
            ("a # b;\n c;", &["1:1 a", "2:2 c", ";"]),
            ("a b#c;", &["1:1 a", "1:3 b#c", ";"]),
            ("a b}c;", &["1:1 a", "1:3 b}c", ";"]),
            ("a ${b}c;", &["1:1 a", "1:3 ${b}c", ";"]),
            ("a $b{}", &["1:1 a", "1:3 $b", "{", "}"]),
            (
                "a \"b;{}# c\" 'd \"e';",
                &["1:1 a", "1:3 b;{}# c", "1:13 d \"e", ";"],
            ),
            ("a \"\";", &["1:1 a", "1:3 ", ";"]),
            ("a b\"c;", &["1:1 a", "1:3 b\"c", ";"]),
            (
                r#"a "b\"c" \d \\ \;x;"#,
                &["1:1 a", "1:3 b\"c", "1:10 \\d", "1:13 \\", "1:16 \\;x", ";"],
            ),
            (r"a b\tc\n;", &["1:1 a", "1:3 b\tc\n", ";"]),
            ("a \"b\nc\" d;", &["1:1 a", "1:3 b\nc", "2:4 d", ";"]),
            (
                "a \"b\"c;",
                &[
                    "1:1 a",
                    "1:3 b",
                    "1:6 c",
                    ";",
                    "[emerg] unexpected \"c\" in f:1:6",
                ],
            ),
            ("å ö;", &["1:1 å", "1:3 ö", ";"]),
            ("a\r\nb;", &["1:1 a", "2:1 b", ";"]),
        ] {
            assert_eq!(lex(text), expected, "{text:?}");
        }
    }
}
