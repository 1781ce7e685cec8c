use super::lexer::{Lexer, Token};
use super::{Directive, Place, Problems, Word};

/// Blocks inside blocks; nobody nests this deep, and dropping a tree recurses.
const MAX_DEPTH: usize = 64;

/// Directives and blocks of `text`; `file` is the name its places carry.
///
/// Goes on after an error, so that all are found at once. What it returns then is what the rest of
/// the file says as far as one can tell.
pub fn parse(text: &str, file: &str, problems: &mut Problems) -> Vec<Directive> {
    let mut lexer = Lexer::new(text, file);
    let mut parser = Parser::default();
    loop {
        match lexer.next(problems) {
            Token::Word(word) => parser.words.push(word),
            Token::Semicolon(place) => {
                if !parser.end_directive(&place) {
                    problems.push(&place, "unexpected \";\"");
                }
            }
            Token::Open(place) => parser.open_block(&place, problems),
            Token::Close(place) => parser.close_block(&place, problems),
            Token::End(place) => {
                if parser.end_directive(&place) {
                    let message = "unexpected end of file, expecting \";\" or \"}\"";
                    problems.push(&place, message);
                } else if !parser.open.is_empty() {
                    problems.push(&place, "unexpected end of file, expecting \"}\"");
                }
                while !parser.open.is_empty() {
                    parser.pop_block(&place);
                }
                return parser.here;
            }
        }
    }
}

#[derive(Default)]
struct Parser {
    /// The directive being read.
    words: Vec<Word>,
    /// What the innermost open block holds so far.
    here: Vec<Directive>,
    /// The blocks around it: their words, and what stood before them.
    open: Vec<(Vec<Word>, Vec<Directive>)>,
}

impl Parser {
    /// False if there is no directive to end.
    fn end_directive(&mut self, end: &Place) -> bool {
        let words = std::mem::take(&mut self.words);
        match directive(words, None, end) {
            Some(directive) => {
                self.here.push(directive);
                true
            }
            None => false,
        }
    }

    fn open_block(&mut self, place: &Place, problems: &mut Problems) {
        if self.words.is_empty() {
            problems.push(place, "unexpected \"{\"");
        } else if self.open.len() >= MAX_DEPTH {
            problems.push(place, "blocks are nested too deeply");
            self.words.clear();
        }
        let words = std::mem::take(&mut self.words);
        let before = std::mem::take(&mut self.here);
        self.open.push((words, before));
    }

    fn close_block(&mut self, place: &Place, problems: &mut Problems) {
        let unfinished = self.end_directive(place);
        if unfinished || self.open.is_empty() {
            problems.push(place, "unexpected \"}\"");
        }
        self.pop_block(place);
    }

    fn pop_block(&mut self, end: &Place) {
        if let Some((words, before)) = self.open.pop() {
            let block = std::mem::replace(&mut self.here, before);
            // Without words it was an error, reported when it opened.
            self.here.extend(directive(words, Some(block), end));
        }
    }
}

fn directive(words: Vec<Word>, block: Option<Vec<Directive>>, end: &Place) -> Option<Directive> {
    let mut words = words.into_iter();
    Some(Directive {
        name: words.next()?,
        args: words.collect(),
        block,
        end: end.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(directives: &[Directive]) -> String {
        let mut out = String::new();
        for d in directives {
            out.push_str(d.name());
            for arg in &d.args {
                out.push(' ');
                out.push_str(&arg.text);
            }
            match &d.block {
                Some(block) => out.push_str(&format!("{{{}}}", show(block))),
                None => out.push(';'),
            }
        }
        out
    }

    #[test]
    fn goes_on_after_every_error() {
        for (text, tree, errors) in [
            ("a b; c { d; }", "a b;c{d;}", &[] as &[&str]),
            ("a;;b;", "a;b;", &["unexpected \";\" in f:1:3"]),
            ("a { b }\nc;", "a{b;}c;", &["unexpected \"}\" in f:1:7"]),
            (
                "a; }\n b; }",
                "a;b;",
                &["unexpected \"}\" in f:1:4", "unexpected \"}\" in f:2:5"],
            ),
            ("a }", "a;", &["unexpected \"}\" in f:1:3"]),
            ("a { { b; } c; }", "a{c;}", &["unexpected \"{\" in f:1:5"]),
            (
                "a {\n",
                "a{}",
                &["unexpected end of file, expecting \"}\" in f:2:1"],
            ),
            (
                "a { b",
                "a{b;}",
                &["unexpected end of file, expecting \";\" or \"}\" in f:1:6"],
            ),
            (
                "a \"b;\n",
                "a b;\n;",
                &["unexpected end of file, expecting \";\" or \"}\" in f:2:1"],
            ),
        ] {
            let mut problems = Problems::new();
            assert_eq!(show(&parse(text, "f", &mut problems)), tree, "{text:?}");
            let found: Vec<String> = problems.iter().map(|p| p.to_string()).collect();
            let errors: Vec<String> = errors.iter().map(|e| format!("[emerg] {e}")).collect();
            assert_eq!(found, errors, "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let mut problems = Problems::new();
        let tree = parse(&"a {".repeat(100_000), "f", &mut problems);
        assert_eq!(tree.len(), 1);
        let first = problems.iter().next().map(|p| p.message.as_str());
        assert_eq!(first, Some("blocks are nested too deeply"));
    }
}
