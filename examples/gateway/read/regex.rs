use regex::{Regex, RegexBuilder};
use tower_upstream::nginx::{Place, Problems};

/// Compiles an expression; what this crate's dialect lacks is a problem, as a mistake is.
pub(crate) fn compile(
    text: &str,
    ignore_case: bool,
    place: &Place,
    problems: &mut Problems,
) -> Option<Regex> {
    let built = RegexBuilder::new(text)
        .case_insensitive(ignore_case)
        .build();
    match built {
        Ok(regex) => Some(regex),
        Err(error) => {
            // The reason is the last line of a drawing.
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ");
            let message = format!("invalid regular expression \"{text}\": {reason}");
            problems.push(place, message);
            None
        }
    }
}
