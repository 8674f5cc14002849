//! Texts with places to fill in, written `{{name}}`.

/// Fills a text in.
///
/// A place that is alone on its line takes as many lines as it is given, indented as it is itself: none for the empty
/// text.
///
/// # Panics
/// If the text has a place that is not given, which tests of every text find.
pub(super) fn fill(text: &str, given: &[(&str, &str)]) -> String {
    let value = |name: &str| {
        let found = given.iter().find(|(given, _)| *given == name);
        found
            .map(|(_, value)| *value)
            .unwrap_or_else(|| panic!("nothing is given for '{name}'"))
    };
    let mut filled = String::new();
    for line in text.lines() {
        let words = line.trim_start();
        let indent = &line[..line.len() - words.len()];
        let alone = words
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        match alone.filter(|name| !name.contains('}')) {
            Some(name) => value(name).lines().for_each(|line| {
                filled.push_str(if line.is_empty() { "" } else { indent });
                filled.push_str(line);
                filled.push('\n');
            }),
            None => {
                let mut rest = line;
                while let Some((before, after)) = rest.split_once("{{") {
                    let (name, after) = after.split_once("}}").unwrap_or((after, ""));
                    filled.push_str(before);
                    filled.push_str(value(name));
                    rest = after;
                }
                filled.push_str(rest);
                filled.push('\n');
            }
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn places_are_filled_in() {
        let given = [("a", "1"), ("b", "x\n\ny"), ("none", "")];
        assert_eq!(fill("{{a}}-{{a}} {{none}}.\n", &given), "1-1 .\n");
        assert_eq!(
            fill("k:\n  {{b}}\n  {{none}}\nend", &given),
            "k:\n  x\n\n  y\nend\n"
        );
        assert_eq!(fill("  {{a}}: {{a}}", &given), "  1: 1\n");
    }

    #[test]
    #[should_panic(expected = "nothing is given for 'c'")]
    fn nothing_is_left_open() {
        fill("{{c}}", &[]);
    }
}
