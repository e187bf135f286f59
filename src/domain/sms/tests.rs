use proptest::prelude::*;

use super::*;

/// TS 23.038, 6.2.1, in the order of its codes 0x00 to 0x7f; ESC (0x1b) stands for itself.
const DEFAULT_ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

#[test]
fn the_alphabet_is_the_standard_s_and_nothing_else() {
    let basic: Vec<char> = DEFAULT_ALPHABET.chars().collect();
    assert_eq!(basic.len(), 128);
    let extension = ['\u{c}', '^', '{', '}', '\\', '[', '~', ']', '|', '€'];
    for character in '\0'..=char::MAX {
        let expected = match character {
            '\u{1b}' => None,
            _ if basic.contains(&character) => Some(1),
            _ if extension.contains(&character) => Some(2),
            _ => None,
        };
        let found = is_gsm(character).then(|| Encoding::Gsm7.units(character));
        assert_eq!(found, expected, "{character:?}");
    }
}

#[test]
fn parts_are_counted_as_the_network_counts_them() {
    use Encoding::{Gsm7, Ucs2};
    let table = [
        (String::new(), Gsm7, 0, 0),
        ("a".repeat(160), Gsm7, 160, 1),
        ("a".repeat(161), Gsm7, 161, 2),
        ("a".repeat(306), Gsm7, 306, 2),
        ("a".repeat(307), Gsm7, 307, 3),
        ("€".repeat(80), Gsm7, 160, 1),
        ("€".repeat(81), Gsm7, 162, 2),
        // 153 is odd: a part holds 76 of them and stays one septet short.
        ("€".repeat(152), Gsm7, 304, 2),
        ("€".repeat(153), Gsm7, 306, 3),
        ("a".to_owned() + &"€".repeat(152), Gsm7, 305, 2),
        ("ż".repeat(70), Ucs2, 70, 1),
        ("ż".repeat(71), Ucs2, 71, 2),
        ("ż".repeat(134), Ucs2, 134, 2),
        ("ż".repeat(135), Ucs2, 135, 3),
        ("🐝".repeat(35), Ucs2, 70, 1),
        // 67 is odd as well: 33 pairs in a part.
        ("🐝".repeat(66), Ucs2, 132, 2),
        ("🐝".repeat(67), Ucs2, 134, 3),
        // A single character makes all of it UCS-2, where the extension costs one.
        ("a".repeat(159) + "’", Ucs2, 160, 3),
        ("€".repeat(69) + "ż", Ucs2, 70, 1),
    ];
    for (text, encoding, units, count) in table {
        assert_eq!(segments(&text), Segments { encoding, units, count }, "{text}");
    }
}

#[test]
fn lookalikes_are_folded_and_the_rest_is_left() {
    let table = [
        ("It’s “due” — now…", "It's \"due\" - now..."),
        ("«a» ‚b‘ `c`", "\"a\" 'b' 'c'"),
        ("5\u{a0}km\u{202f}to\tgo", "5 km to go"),
        ("a\r\nb\rc\u{2028}d", "a\nb\nc\nd"),
        ("be\u{0}e\u{1b}p\u{7f}\u{feff}\u{202e}", "beep"),
        ("• one × two − 3", "* one x two - 3"),
        // Names and emoji stay what they are.
        ("Łukasz, François 👨‍👩‍👧", "Łukasz, François 👨‍👩‍👧"),
        ("100 € [ok] {x}", "100 € [ok] {x}"),
    ];
    for (text, folded) in table {
        assert_eq!(fold(text), folded, "{text}");
    }
    assert_eq!(segments(&fold("It’s “due” — now…")).encoding, Encoding::Gsm7);
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let table = [
        ("short".to_owned(), 1, "short".to_owned()),
        ("a".repeat(160), 1, "a".repeat(160)),
        ("a".repeat(161), 1, "a".repeat(157) + "..."),
        ("a".repeat(400), 2, "a".repeat(303) + "..."),
        ("ż".repeat(71), 1, "ż".repeat(67) + "..."),
        // Without the bee it is GSM again, and more of it fits.
        ("a".repeat(160) + "🐝", 1, "a".repeat(157) + "..."),
        ("€".repeat(100), 1, "€".repeat(78) + "..."),
        ("🐝".repeat(40), 1, "🐝".repeat(33) + "..."),
        ("a".repeat(150) + "       " + &"b".repeat(20), 1, "a".repeat(150) + "..."),
        ("a".repeat(2000), 99, "a".repeat(1597) + "..."),
        ("🐝".repeat(900), 99, "🐝".repeat(798) + "..."),
        ("anything".to_owned(), 0, String::new()),
    ];
    for (text, max_segments, expected) in table {
        assert_eq!(fit(&text, max_segments), expected, "{max_segments} {text}");
    }
}

/// Texts of all costs: one septet, two, one unit of UCS-2, two, and what is folded.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z €\\[]{0,700}", "[a-ż€🐝’… \u{200d}]{0,300}", "\\PC{0,400}", "[a-z ]{1500,1700}🐝?"]
}

/// The parts themselves, by way of the encoded units.
fn parts(text: &str, encoding: Encoding) -> Vec<usize> {
    let (single, part) = encoding.limits();
    let costs: Vec<usize> = text.chars().map(|character| encoding.units(character) as usize).collect();
    if costs.iter().sum::<usize>() <= single as usize {
        return vec![costs.iter().sum()];
    }
    let mut parts = vec![0];
    for cost in costs {
        match parts.last_mut() {
            Some(last) if *last + cost <= part as usize => *last += cost,
            _ => parts.push(cost),
        }
    }
    parts
}

proptest! {
    #[test]
    fn what_is_cut_fits_and_nothing_longer_would(text in texts(), max_segments in 1_u32..9) {
        let cut = fit(&text, max_segments);
        prop_assert!(segments(&cut).count <= max_segments);
        prop_assert!(cut.encode_utf16().count() <= MAX_UNITS);
        let whole = segments(&text).count <= max_segments && text.encode_utf16().count() <= MAX_UNITS;
        prop_assert_eq!(cut == text, whole);
        if !whole {
            let kept = cut.strip_suffix(ELLIPSIS).unwrap();
            let rest = text.strip_prefix(kept).unwrap();
            // The next character that shows does not fit.
            let blanks: String = rest.chars().take_while(|&character| is_no_end(character)).collect();
            let next = rest[blanks.len()..].chars().next();
            let longer = kept.to_owned() + &blanks + &next.map(String::from).unwrap_or_default() + ELLIPSIS;
            let fits = segments(&longer).count <= max_segments && longer.encode_utf16().count() <= MAX_UNITS;
            prop_assert!(next.is_none() || !fits, "{:?} would fit", longer);
        }
    }

    #[test]
    fn the_count_is_that_of_parts_filled_one_after_another(text in texts().prop_filter("is sent", |text| !text.is_empty())) {
        let Segments { encoding, units, count } = segments(&text);
        let parts = parts(&text, encoding);
        prop_assert_eq!(count as usize, parts.len());
        prop_assert_eq!(units as usize, parts.iter().sum::<usize>());
        let encodable = text.chars().all(|character| DEFAULT_ALPHABET.contains(character) && character != '\u{1b}'
            || "\u{c}^{}\\[~]|€".contains(character));
        prop_assert_eq!(encoding == Encoding::Gsm7, encodable);
    }

    #[test]
    fn folding_twice_is_folding_once(text in "\\PC{0,80}|[\u{0}-\u{2fff}]{0,80}") {
        prop_assert_eq!(fold(&fold(&text)), fold(&text));
    }
}
