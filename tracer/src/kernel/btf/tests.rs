use proptest::prelude::*;

use super::*;

/// A BTF blob of `int`, `struct pair { int a; int b; }`, `void drop(struct pair *)` and `enum reason { NONE, GONE }`.
fn blob() -> Vec<u8> {
    const STRINGS: &[u8] = b"\0int\0pair\0a\0b\0drop\0reason\0NONE\0GONE\0";
    let name = |wanted: &str| {
        let wanted = [b"\0", wanted.as_bytes(), b"\0"].concat();
        let at = STRINGS.windows(wanted.len()).position(|name| name == wanted).expect("a name");
        count(at + 1)
    };
    let info = |kind: u8, entries: u32| u32::from(kind) << 24 | entries;
    let types = [
        &[name("int"), info(kind::INT, 0), 4, 32][..],
        &[name("pair"), info(kind::STRUCT, 2), 8, name("a"), 1, 0, name("b"), 1, 32],
        &[0, info(kind::PTR, 0), 2],
        &[0, info(kind::FUNC_PROTO, 1), 0, 0, 3],
        &[name("drop"), info(kind::FUNC, 0), 4],
        &[name("reason"), info(kind::ENUM, 2), 4, name("NONE"), 0, name("GONE"), 1],
    ]
    .concat();
    let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let (types_len, strings_len) = (count(types.len()), count(STRINGS.len()));
    let header = [24, 0, types_len, types_len, strings_len].map(u32::to_ne_bytes).concat();
    [&MAGIC.to_ne_bytes(), &[1, 0], &header[..], &types, STRINGS].concat()
}

#[test]
fn members_signatures_and_enumerations() {
    let btf = Btf::parse(blob(), None).expect("a whole blob");
    let types = Split { base: &btf, split: None };
    assert_eq!(types.member("pair", "b").map(|member| (member.bit, member.width)), Some((32, 0)));
    assert_eq!((types.member("pair", "c"), types.size("pair")), (None, Some(8)));
    let function = types.function("drop").expect("a function");
    assert_eq!(types.parameters(function), Some(vec!["pair"]));
    assert_eq!(types.enumeration("reason"), Some(vec![("NONE", 0), ("GONE", 1)]));
    assert_eq!(btf.name_of(function), Some("drop"));
}

#[test]
fn a_blob_that_is_cut_short_is_refused() {
    let whole = blob();
    for len in 0..whole.len() {
        assert!(Btf::parse(whole[..len].to_vec(), None).is_err(), "{len}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_blob_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Btf::parse([&MAGIC.to_ne_bytes()[..], &bytes].concat(), None);
        let _ = Btf::parse(bytes, None);
    }

    #[test]
    fn a_wrong_byte_is_no_panic(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = blob();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let Ok(btf) = Btf::parse(bytes, None) else { return Ok(()) };
        let types = Split { base: &btf, split: None };
        let _ = (types.size("pair"), types.enumeration("reason"), btf.name_of(5));
    }
}
